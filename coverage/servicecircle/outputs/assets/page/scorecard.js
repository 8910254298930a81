/* The scorecard: every target with its value and its verdict in words. */
const SHOWN_FIRST = ["not_met", "met", "undecided", "not_due"];
function scorecard() {
  const rows = data.scorecard, button = document.getElementById("sc-open-scorecard");
  const tally = {};
  for (const row of rows.filter((one) => one.headline)) tally[row.verdict] = (tally[row.verdict] || 0) + 1;
  for (const verdict of ["met", "not_met", "undecided"]) {
    if (!tally[verdict]) continue;
    add(button, add(element("span", "sc-pill sc-" + verdict),
      element("b", "", data.palette.signs[verdict] + " "), element("span", "", t("verdict_" + verdict) + " "), element("em", "", String(tally[verdict]))));
  }
  const body = document.getElementById("sc-scorecard-body");
  if (!rows.length) return add(body, element("p", "sc-more", t("none_in_scorecard")));
  const some = rows.some((row) => SHOWN_FIRST.includes(row.verdict));
  const box = element("input");
  box.type = "checkbox";
  box.checked = some;
  const table = element("table", "sc-score");
  const header = element("tr");
  for (const key of ["indicator", "value", "target", "verdict"]) add(header, element("th", "", t(key)));
  const list = element("tbody");
  const plans = new Set(rows.map((row) => row.plan));
  let plan = null;
  for (const row of rows) {
    if (row.plan !== plan && plans.size > 1) {
      const cell = element("th", "sc-plan");
      cell.colSpan = 4;
      add(list, add(element("tr"), add(cell, bdi(row.plan))));
    }
    plan = row.plan;
    add(list, scoreRow(row));
  }
  const show = () => table.classList.toggle("sc-only", box.checked);
  box.onchange = show;
  show();
  const withResult = rows.filter((row) => SHOWN_FIRST.includes(row.verdict)).length;
  const note = t("only_results") + brackets(withResult + " / " + rows.length);
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
  if (known(row.straight_value)) add(value, element("small", "", t("straight") + " " + figure(row.straight_value) + unit));
  if (known(row.low) && known(row.high) && row.low !== row.high) {
    add(value, element("small", "", t("range") + " " + figure(row.low) + "–" + figure(row.high)));
  }
  const target = add(element("td", "sc-number"), element("span", "", known(row.target) ? figure(row.target) + unit : "–"));
  if (row.year) add(target, element("small", "", row.year));
  const verdict = element("td", "sc-verdict sc-" + (data.palette.verdicts[row.verdict] ? row.verdict : "no_data"));
  add(verdict, element("b", "", (data.palette.signs[row.verdict] || "") + " "),
    element("span", "", data.labels["verdict_" + row.verdict] || row.verdict));
  if (row.missing) add(verdict, add(element("small"), element("span", "", t("missing") + " "), bdi(row.missing)));
  return add(line, name, value, target, verdict);
}
