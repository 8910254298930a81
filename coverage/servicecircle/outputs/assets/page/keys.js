/* The keyboard, and what is read out in place of the map. */
const PANEL_KEYS = { l: "sc-layers", g: "sc-legend", s: "sc-scorecard", i: "sc-about" };
let singleKeys = true;

function onKey(event) {
  if (event.defaultPrevented || event.isComposing) return;
  if (event.key === "Escape") {
    if (closePanel()) event.preventDefault();
    return;
  }
  const typing = event.target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");
  if (!singleKeys || typing || event.ctrlKey || event.altKey || event.metaKey) return;
  const key = event.key.toLowerCase();
  if (key === "/") document.getElementById("sc-search").focus();
  else if (key === "t") {
    document.getElementById("sc-open-table").click();
    const panel = document.getElementById("sc-table");
    if (!panel.hidden) panel.querySelector("select, button").focus();
  } else if (Object.hasOwn(PANEL_KEYS, key)) {
    const panel = document.getElementById(PANEL_KEYS[key]), visible = panel.hidden;
    showPanel(PANEL_KEYS[key], visible);
    if (visible) { panel.tabIndex = -1; panel.focus(); }
  } else return;
  event.preventDefault();
}
/* On the map the arrows move a cross over it; Enter opens what lies under the cross. */
function middleKey(event) {
  if (event.target === map.getContainer()) event.target.classList.add("sc-by-keys");
  if (event.target !== map.getContainer() || event.key !== "Enter") return;
  event.preventDefault();
  const found = under(map.getCenter());
  if (!found.unit) unitUnder(found, map.getCenter());
  if (!zoomToCluster(found) && Object.keys(found).length) {
    openAt(found, map.getCenter());
    cameFrom = map.getContainer();
    const head = cardBody.querySelector("h3");
    if (head) head.focus();
  }
}
function keysPart() {
  const box = element("section", "sc-keys");
  box.id = "sc-keys";
  const rows = [
    [["Tab", "Shift+Tab"], "keys_tab"], [["Esc"], "keys_close"], [["/"], "keys_search"], [["↑", "↓", "Enter"], "keys_lists"],
    [["T"], "keys_table"], [["L", "G", "S", "I"], "keys_panels"], [["← ↑ → ↓", "+", "−"], "keys_pan"], [["Enter"], "keys_middle"],
  ];
  const listing = element("dl", "sc-pairs");
  for (const [keys, says] of rows) {
    const name = element("dt", "");
    keys.forEach((key, n) => add(name, n ? element("span", "", " ") : null, element("kbd", "", key)));
    add(listing, name, element("dd", "", say(says)));
  }
  const tick = element("input", "");
  Object.assign(tick, { type: "checkbox", checked: singleKeys, onchange: () => { singleKeys = tick.checked; } });
  return add(box, element("h3", "", say("keys")), listing,
    add(element("label", "sc-only-label"), tick, element("span", "", say("keys_single"))));
}
function summaryText() {
  const parts = data.levels.map((level) => say("alt_units", { level: called(level.title), count: count(level.names.length) }));
  const many = data.layers.reduce((sum, layer) => sum + layer.facilities.names.length, 0);
  parts.push(say("alt_layers", { layers: count(data.layers.length), count: count(many) }));
  const tally = { met: 0, not_met: 0, undecided: 0 };
  for (const row of data.scorecard) if (row.headline && Object.hasOwn(tally, row.verdict)) tally[row.verdict]++;
  parts.push(say("alt_verdicts", tally));
  return parts.join(language === "zh" ? "；" : "; ") + (language === "zh" ? "。" : ". ") + say("alt_help");
}
onStart(() => {
  const box = map.getContainer();
  const summary = element("p", "sc-unseen"), skip = element("button", "sc-skip");
  summary.id = "sc-summary";
  skip.type = "button";
  skip.onclick = () => {
    openTable();
    tableBody.querySelector("select, button")?.focus();
  };
  add(document.querySelector(".sc-main"), summary, add(element("div", "sc-cross"), element("span", "", "+")));
  document.querySelector(".sc-cross").setAttribute("aria-hidden", "true");
  document.body.insertBefore(skip, document.body.firstChild);
  box.setAttribute("role", "application");
  box.setAttribute("aria-describedby", "sc-summary");
  box.addEventListener("keydown", middleKey);
  for (const kind of ["pointerdown", "blur"]) box.addEventListener(kind, () => box.classList.remove("sc-by-keys"));
  document.addEventListener("keydown", onKey);
  if (calm()) {
    Object.assign(map.options, { zoomAnimation: false, fadeAnimation: false, inertia: false });
    map._zoomAnimated = false;
  }
  onLanguage(() => {
    skip.textContent = say("table_skip");
    summary.textContent = summaryText();
    box.setAttribute("aria-label", say("alt_map", { name: document.querySelector("h1").textContent }));
    const slot = document.getElementById("sc-about-keys");
    slot.textContent = "";
    add(slot, keysPart());
  }, true);
});
