/* The units as a table: what the map shows, for those who cannot see or point at it. */
const FIRST_ROWS = 200;
let tableBody, tableLevel = 0, tableService = 0, tableMany = FIRST_ROWS, tableOrder = ["name", 1];

function tableRows() {
  const level = data.levels[tableLevel], cover = data.cards.coverage[tableService];
  const main = cover && cover.rated.find((one) => one.rule === cover.main);
  const at = (values, i) => (values ? values[tableLevel][i] : null);
  const rows = level.names.map((_, i) => {
    const unit = data.cards.starts[tableLevel] + i;
    return {
      unit, name: unitName(unit), people: level.people[i], elderly: level.elderly[i],
      here: at(cover && cover.facilities, i),
      people_rate: main ? at(main.people_rate, i) : null, elderly_rate: main ? at(main.elderly_rate, i) : null,
    };
  });
  const [key, way] = tableOrder;
  // Unknown ones last, whichever way.
  return rows.sort((a, b) => {
    if (key === "name") return way * a.name.localeCompare(b.name, language === "zh" ? "zh-CN" : "en") || a.unit - b.unit;
    if (!known(a[key]) || !known(b[key])) return Number(!known(a[key])) - Number(!known(b[key])) || a.unit - b.unit;
    return way * (a[key] - b[key]) || a.unit - b.unit;
  });
}
function fillTable() {
  if (!tableBody || document.getElementById("sc-table").hidden) return;
  tableBody.textContent = "";
  if (!data.levels.length) return void add(tableBody, element("p", "sc-more", say("no_data")));
  const bar = element("div", "sc-table-bar");
  add(bar, chooser("table_level", data.levels.map((level) => called(level.title)), tableLevel, (n) => { tableLevel = n; }));
  if (data.layers.length) {
    add(bar, chooser("service", data.layers.map((layer) => called(layer.title)), tableService, (n) => { tableService = n; }));
  }
  const layer = data.layers[tableService];
  const keys = ["name", "people", "elderly"];
  const titles = { name: say("table_unit"), people: say("people"), elderly: say("elderly"), here: say("facilities_in_unit"),
    people_rate: say("people_rate"), elderly_rate: say("elderly_rate") };
  if (layer) keys.push("here");
  if (layer && layer.kind === "rate") keys.push("people_rate", "elderly_rate");
  if (!keys.includes(tableOrder[0])) tableOrder = ["name", 1];
  const table = element("table", "sc-score sc-units");
  const caption = element("caption", "sc-more");
  if (layer) {
    add(caption, bdi(say("table_caption", { level: called(data.levels[tableLevel].title), service: called(layer.title), rule: called(layer.rule) })));
  }
  const header = element("tr");
  for (const key of keys) {
    const cell = element("th", key === "name" ? "" : "sc-number");
    cell.scope = "col";
    const on = tableOrder[0] === key;
    cell.setAttribute("aria-sort", !on ? "none" : tableOrder[1] > 0 ? "ascending" : "descending");
    const button = element("button", "sc-sort", titles[key] + (on ? (tableOrder[1] > 0 ? " ▲" : " ▼") : ""));
    button.type = "button";
    button.dataset.key = key;
    button.onclick = () => {
      tableOrder = [key, on ? -tableOrder[1] : 1];
      fillTable();
      tableBody.querySelector('[data-key="' + key + '"]').focus();
    };
    add(header, add(cell, button));
  }
  const body = element("tbody"), rows = tableRows();
  for (const row of rows.slice(0, tableMany)) {
    const head = add(element("th", ""), unitButton(row.unit, true));
    head.scope = "row";
    const line = add(element("tr"), head);
    for (const key of keys.slice(1)) {
      const value = row[key];
      add(line, element("td", "sc-number", key.endsWith("_rate") ? (known(value) ? percent(value / 10000) : say("no_data")) : count(value)));
    }
    add(body, line);
  }
  add(tableBody, bar, add(element("div", "sc-wide"), add(table, caption, add(element("thead"), header), body)));
  if (rows.length > tableMany) {
    const more = cardButton("table_more", "", () => { tableMany += 500; fillTable(); });
    more.textContent = say("table_more", { count: count(Math.min(500, rows.length - tableMany)) });
    add(tableBody, more);
  }
}
function chooser(key, titles, current, take) {
  const box = element("select", "");
  titles.forEach((title, n) => {
    const option = element("option", "", title);
    option.value = String(n);
    option.selected = n === current;
    add(box, option);
  });
  box.dataset.chooses = key;
  box.onchange = () => {
    take(Number(box.value));
    tableMany = FIRST_ROWS;
    fillTable();
    tableBody.querySelector('[data-chooses="' + key + '"]').focus();
  };
  return add(element("label", "sc-chooser"), element("span", "", say(key)), box);
}
function openTable() {
  const shown = data.levels.findIndex((level) => groups.some((group) => group.kind === "shade" && group.level === level.level && map.hasLayer(group.layer)));
  if (shown >= 0) tableLevel = shown;
  const service = groups.find((group) => group.kind === "shade" && map.hasLayer(group.layer));
  if (service) tableService = service.service;
  showPanel("sc-table", true);
  fillTable();
}
onStart(() => {
  tableBody = panel("sc-table", "table");
  const section = document.getElementById("sc-table");
  new MutationObserver(() => { if (!section.hidden && !tableBody.childNodes.length) openTable(); })
    .observe(section, { attributes: true, attributeFilter: ["hidden"] });
  const button = toolButton("sc-open-table", "table", "table", () => { if (section.hidden) openTable(); else showPanel("sc-table", false); });
  button.setAttribute("aria-controls", "sc-table");
  onLanguage(fillTable);
});
