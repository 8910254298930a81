/* The scorecard: every target with its value and its verdict in words. */
const SHOWN_FIRST = ["not_met", "met", "undecided", "not_due"];
let withResultsAlone = null;
/* How many main targets have each verdict. */
function tally(box) {
  const counts = {};
  for (const row of data.scorecard) if (row.headline) counts[row.verdict] = (counts[row.verdict] || 0) + 1;
  for (const verdict of ["met", "not_met", "undecided"]) {
    if (!counts[verdict]) continue;
    add(box, add(element("span", "sc-pill sc-" + verdict),
      element("b", "", data.palette.signs[verdict] + " "), element("span", "", say("verdict_" + verdict) + " "), element("em", "", String(counts[verdict]))));
  }
}
function scorecard() {
  const rows = data.scorecard, button = document.getElementById("sc-open-scorecard");
  for (const pill of button.querySelectorAll(".sc-pill")) pill.remove();
  tally(button);
  const body = document.getElementById("sc-scorecard-body");
  body.textContent = "";
  if (!rows.length) return add(body, element("p", "sc-more", say("none_in_scorecard")));
  if (withResultsAlone === null) withResultsAlone = rows.some((row) => SHOWN_FIRST.includes(row.verdict));
  const box = element("input");
  box.type = "checkbox";
  box.checked = withResultsAlone;
  const table = element("table", "sc-score");
  const header = element("tr");
  for (const key of ["indicator", "value", "target", "verdict"]) add(header, element("th", "", say(key)));
  const list = element("tbody");
  const plans = new Set(rows.map((row) => called(row.plan)));
  let plan = null;
  for (const row of rows) {
    if (called(row.plan) !== plan && plans.size > 1) {
      const cell = element("th", "sc-plan");
      cell.colSpan = 4;
      add(list, add(element("tr"), add(cell, bdi(row.plan))));
    }
    plan = called(row.plan);
    add(list, scoreRow(row));
  }
  const show = () => {
    withResultsAlone = box.checked;
    table.classList.toggle("sc-only", box.checked);
  };
  box.onchange = show;
  show();
  const withResult = rows.filter((row) => SHOWN_FIRST.includes(row.verdict)).length;
  const note = say("only_results") + brackets(withResult + " / " + rows.length);
  if (plans.size === 1 && called(rows[0].plan)) add(body, add(element("p", "sc-planname"), bdi(rows[0].plan)));
  return add(body, add(element("label", "sc-only-label"), box, element("span", "", note)),
    add(table, add(element("thead"), header), list));
}
function scoreRow(row) {
  const line = element("tr", SHOWN_FIRST.includes(row.verdict) ? "" : "sc-idle");
  const unit = row.unit === "%" || row.unit === "percent" ? "%" : "";
  const name = add(element("td"), bdi(row.name), row.invented && tag());
  if (row.alternative) add(name, element("small", "", row.alternative));
  const value = add(element("td", "sc-number"), element("span", "", known(row.value) ? figure(row.value) + unit : "–"));
  if (row.unit && !unit && known(row.value)) add(value, add(element("small"), bdi(row.unit)));
  if (known(row.straight_value)) add(value, element("small", "", say("straight") + " " + figure(row.straight_value) + unit));
  if (known(row.low) && known(row.high) && row.low !== row.high) {
    add(value, element("small", "", say("range") + " " + figure(row.low) + "–" + figure(row.high)));
  }
  const target = add(element("td", "sc-number"), element("span", "", known(row.target) ? figure(row.target) + unit : "–"));
  if (row.year) add(target, element("small", "", row.year));
  const verdict = element("td", "sc-verdict sc-" + (Object.hasOwn(data.palette.verdicts, row.verdict) ? row.verdict : "no_data"));
  add(verdict, element("b", "", (Object.hasOwn(data.palette.signs, row.verdict) ? data.palette.signs[row.verdict] : "") + " "),
    element("span", "", say("verdict_" + row.verdict, null, row.verdict)));
  if (row.missing) add(verdict, add(element("small"), element("span", "", say("missing") + " "), bdi(row.missing)));
  return add(line, name, value, target, verdict);
}
