/* What lies under the pointer, told in a tooltip or, after a click, in a card. */
const UNTOLD = new Set(["road", "border", "water", "barriers", "name"]);
function under(latlng) {
  const point = map.latLngToLayerPoint(latlng);
  const found = {};
  for (const group of groups) {
    if (!group.filled || !map.hasLayer(group.layer)) continue;
    group.layer.eachLayer((layer) => {
      const what = layer.sc;
      if (!what || UNTOLD.has(what.kind) || !layer._containsPoint || !layer._pxBounds) return;
      if (layer._pxBounds.contains(point) && layer._containsPoint(point)) {
        const key = what.kind + (what.service === undefined || what.kind === "unit" ? "" : what.service);
        (found[key] = found[key] || []).push(what);
      }
    });
  }
  return found;
}
function describe(found, full) {
  const box = element("div", "sc-tip");
  const all = (kind) => Object.keys(found).sort().filter((key) => key.replace(/\d+$/, "") === kind);
  for (const key of all("site")) for (const what of found[key].slice().reverse().slice(0, 5)) add(box, siteText(what));
  for (const key of all("facility")) {
    const list = found[key].slice().reverse();
    for (const what of list.slice(0, full ? 12 : 3)) add(box, facilityText(what));
    if (list.length > (full ? 12 : 3)) add(box, element("p", "sc-more", "+" + (list.length - (full ? 12 : 3))));
  }
  for (const key of all("cluster")) {
    const what = found[key][found[key].length - 1];
    add(box, clusterText(what));
    if (full) for (const facility of what.members.slice(0, 12)) add(box, facilityText({ service: what.service, facility }));
  }
  for (const key of all("uncovered")) add(box, uncoveredText(found[key][0]));
  for (const key of all("own")) for (const what of found[key].slice(0, 3)) add(box, circleText(what, what.circle.name));
  for (const key of all("circle")) add(box, circleText(found[key][found[key].length - 1]));
  for (const key of all("overlap")) {
    const what = found[key][found[key].length - 1];
    add(box, part(what, words("overlap_at_least", { count: count(what.area.facilities) })));
  }
  for (const key of all("site").length ? [] : all("candidate")) add(box, candidateText(found[key][0]));
  for (const key of all("sited")) add(box, sitedText(found[key][found[key].length - 1]));
  for (const key of all("unit")) add(box, unitText(found[key][found[key].length - 1]));
  for (const key of all("scope")) for (const what of found[key]) add(box, add(element("p", "sc-more"), bdi(what.name)));
  return box.childNodes.length ? box : null;
}
function part(what, text) {
  const layer = data.layers[what.service];
  const row = element("p", "sc-part");
  add(row, badge(layer), bdi(layer.title, "sc-strong"), layer.invented && tag(), element("span", "", " " + text));
  return row;
}
const tag = () => element("span", "sc-tag", t("invented"));
function badge(layer) {
  const node = element("span", shapeClass(layer), layer.mark);
  node.style.background = layer.colour;
  node.setAttribute("aria-hidden", "true");
  return node;
}
function pairs(rows) {
  const list = element("dl", "sc-pairs");
  for (const [name, value] of rows) add(list, element("dt", "", name), add(element("dd"), bdi(value)));
  return list;
}
function facilityText(what) {
  const layer = data.layers[what.service];
  const list = layer.facilities, i = what.facility;
  const box = element("section");
  const head = add(element("h3"), badge(layer), bdi(list.names[i] || "–"));
  if (layer.invented || list.invented[i]) add(head, tag());
  const rows = [[t("service"), layer.title]];
  if (known(list.capacity[i])) rows.push([t("capacity"), count(list.capacity[i])]);
  if (list.addresses[i]) rows.push([t("address"), list.addresses[i]]);
  const status = list.status[i];
  if (status) rows.push([t("status"), say("status_" + status, null, status)]);
  if (list.snap[i] === "unsnapped") rows.push(["⚠", t("snap_unsnapped")]);
  return add(box, head, pairs(rows));
}
function uncoveredText(what) {
  const cells = data.layers[what.service].uncovered, i = what.cell;
  const main = cells.weight === "elderly" ? t("uncovered_elderly") : t("uncovered");
  let text = main + " " + count(cells.people[i]);
  if (cells.weight !== "elderly" && cells.elderly[i]) text += brackets(t("elderly") + " " + count(cells.elderly[i]));
  const [unreachable, unsnapped] = cells.causes.map((cause) => cause[i]);
  const causes = [];
  if (unreachable > 0) causes.push(t("cause_unreachable") + " " + count(unreachable));
  if (unsnapped > 0) causes.push(t("cause_unsnapped") + " " + count(unsnapped));
  if (!causes.length) causes.push(t("cause_beyond"));
  return part(what, text + " · " + causes.join(" · "));
}
function circleText(what, name) {
  const circle = what.circle;
  const people = [];
  if (known(circle.people)) people.push(t("people") + " " + count(circle.people));
  if (known(circle.elderly)) people.push(t("elderly") + " " + count(circle.elderly));
  let text = words("minutes", { minutes: figure(circle.minutes) });
  if (people.length) text += " " + t("people_inside") + " " + people.join(" · ");
  const row = part(what, text);
  if (name) add(row, element("br"), bdi(name));
  return row;
}
function unitText(what) {
  const { level, unit, service } = what;
  const box = element("section");
  const head = add(element("h3"), bdi(level.names[unit] || "–"), element("small", "", " " + called(level.title)));
  const rows = [];
  if (known(level.people[unit])) rows.push([t("people"), count(level.people[unit])]);
  if (known(level.elderly[unit])) rows.push([t("elderly"), count(level.elderly[unit])]);
  add(box, head, rows.length ? pairs(rows) : null);
  const shown = [service];
  const table = element("table", "sc-rates");
  const rates = data.layers.some((layer) => layer.kind === "rate");
  const header = add(element("tr"), element("th", "", t("service")), element("th", "", t("facilities_in_unit")));
  if (rates) add(header, element("th", "", t("people")), element("th", "", t("elderly")));
  add(table, add(element("thead"), header));
  const body = element("tbody");
  for (const i of shown) {
    const layer = data.layers[i], values = layer.shade[level.level];
    if (!values) continue;
    const row = add(element("tr"), add(element("td"), badge(layer), bdi(layer.title), layer.invented && tag()),
      element("td", "sc-number", count(values.facilities[unit])));
    if (rates && layer.kind === "rate") {
      for (const one of ["people", "elderly"]) {
        const cell = element("td", "sc-number", percent(values[one + "_rate"][unit]));
        if (known(values[one][unit])) add(cell, element("small", "", count(values[one][unit])));
        add(row, cell);
      }
    } else if (rates) {
      add(row, element("td"), element("td"));
    }
    add(body, row);
  }
  add(box, add(table, body));
  const rules = new Map();
  for (const i of shown) rules.set(called(data.layers[i].rule), (rules.get(called(data.layers[i].rule)) || []).concat(i));
  for (const [rule, those] of rules) {
    const line = element("p", "sc-more");
    if (rules.size > 1) for (const i of those) add(line, badge(data.layers[i]));
    add(box, add(line, element("span", "", rule)));
  }
  return box;
}
function listen() {
  const tip = L.tooltip({ sticky: true, direction: "right", offset: [14, 0], className: "sc-tooltip", opacity: 1 });
  let waiting = false, last = null;
  const hide = () => { last = null; if (map.hasLayer(tip)) map.removeLayer(tip); };
  map.on("mousemove", (event) => {
    last = event;
    if (waiting || window.matchMedia("(hover: none)").matches) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      if (!last) return;
      const text = describe(under(last.latlng), false);
      if (!text) return hide();
      const right = last.containerPoint.x > map.getSize().x * 0.62;
      tip.options.direction = right ? "left" : "right";
      tip.options.offset = L.point(right ? -14 : 14, 0);
      tip.setLatLng(last.latlng).setContent(text);
      if (!map.hasLayer(tip)) tip.addTo(map);
    });
  });
  map.on("mouseout zoomstart movestart", hide);
  map.on("click", (event) => {
    const found = under(event.latlng);
    if (zoomToCluster(found)) return hide();
    hide();
    if (!found.unit) unitUnder(found, event.latlng);
    if (Object.keys(found).length) openAt(found, event.latlng);
  });
}
