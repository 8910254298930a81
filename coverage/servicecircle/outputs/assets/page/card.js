/* The card of a unit, of a facility or of a point, with the numbers of the CSV files. */
const EARTH_M = 6371008.8;
const MOST_INSIDE = 12;
const ACCOUNTABLE = ["not_met", "undecided", "not_due", "met", "no_data"];
// What the card shows: {kind: "unit", unit}, {kind: "facility", service, facility}, {kind: "point"}.
let opened = null, cardBody, cardOutline, cameFrom = null;
const earlier = [];
const kept = { places: [], middles: [], results: null };

const pick = (values, n) => (Array.isArray(values) ? values[n] : values);
/* Units are numbered through all levels. */
function unitAt(unit) {
  const starts = data.cards.starts;
  let depth = starts.length - 1;
  while (starts[depth] > unit) depth--;
  return { level: data.levels[depth], told: data.cards.levels[depth], depth, i: unit - starts[depth] };
}
const unitOf = (level, i) => data.cards.starts[data.levels.indexOf(level)] + i;
const unitCount = () => data.levels.reduce((sum, level) => sum + level.names.length, 0);
function unitName(unit) {
  const { level, told, i } = unitAt(unit);
  return level.names[i] || told.ids[i] || say("card_unnamed");
}
const unitKey = (unit) => unitAt(unit).level.level + ":" + unitAt(unit).told.ids[unitAt(unit).i];
const facilityName = (service, facility) =>
  data.layers[service].facilities.names[facility] || data.cards.facilities.layers[service].ids[facility] || say("card_unnamed");
const facilityKey = (service, facility) =>
  data.cards.layers[service] + ":" + data.cards.facilities.layers[service].ids[facility];
function placesOf(service) {
  return kept.places[service] || (kept.places[service] = steps(data.layers[service].facilities.points));
}
function middleOf(unit) {
  const { told, depth, i } = unitAt(unit);
  return (kept.middles[depth] || (kept.middles[depth] = steps(told.middles)))[i];
}
/* Metres along the great circle. */
function metresBetween([lat1, lon1], [lat2, lon2]) {
  const rad = Math.PI / 180;
  const up = Math.sin((lat2 - lat1) * rad / 2), along = Math.sin((lon2 - lon1) * rad / 2);
  const half = up * up + Math.cos(lat1 * rad) * Math.cos(lat2 * rad) * along * along;
  return 2 * EARTH_M * Math.asin(Math.min(1, Math.sqrt(half)));
}
const distance = (metres) =>
  (metres < 1000 ? say("card_m", { count: count(metres) }) : say("card_km", { count: (metres / 1000).toFixed(1) }));
/* The open facilities of a layer inside a unit, else the nearest one from its middle. */
function nearby(service, unit) {
  const list = data.cards.facilities.layers[service];
  const home = list.units[unitAt(unit).level.level];
  const inside = [];
  if (home) home.forEach((one, f) => { if (one === unit && list.open[f]) inside.push(f); });
  if (inside.length) return { inside };
  const { level, i } = unitAt(unit);
  if (!level.shapes[i].length) return { inside };
  const middle = middleOf(unit);
  let best = -1, least = Infinity;
  placesOf(service).forEach((place, f) => {
    if (!list.open[f]) return;
    const metres = metresBetween(middle, place);
    if (metres < least) { least = metres; best = f; }
  });
  return best < 0 ? { inside } : { inside, nearest: best, metres: least };
}
/* The results of a unit: [indicator, row] of each. */
function resultsOf(unit) {
  if (!kept.results) {
    kept.results = new Map();
    data.cards.indicators.forEach((indicator) => indicator.units.forEach((one, n) => {
      if (!kept.results.has(one)) kept.results.set(one, []);
      kept.results.get(one).push([indicator, n]);
    }));
  }
  return kept.results.get(unit) || [];
}

function openCard(what, options) {
  const { back = true, focus = false, go = false } = options || {};
  if (!cardBody) return;
  if (back && opened && opened.kind !== "point" && !sameCard(opened, what)) earlier.push(opened);
  if (focus) cameFrom = document.activeElement;
  opened = what;
  showPanel("sc-card", true);
  fillCard();
  markCard();
  if (go) goTo(what);
  if (focus) cardBody.querySelector("h3").focus();
  viewChanged();
}
const sameCard = (one, other) => one.kind === other.kind && one.unit === other.unit
  && one.service === other.service && one.facility === other.facility;
function cardClosed() {
  opened = null;
  earlier.length = 0;
  if (cardOutline) cardOutline.remove();
  cardOutline = null;
  // Its heading may hold the focus still, hidden as it is.
  const here = document.activeElement, card = document.getElementById("sc-card");
  if (cameFrom && cameFrom.isConnected && (here === document.body || card.contains(here))) cameFrom.focus();
  cameFrom = null;
  viewChanged();
}
/* What a click meant: a facility before the unit that it stands in. */
function openAt(found, latlng) {
  const [first] = Object.keys(found).filter((key) => /^facility\d+$/.test(key)).sort();
  const facility = first && found[first][found[first].length - 1];
  const unit = found.unit && found.unit[found.unit.length - 1];
  const site = found.site || found.candidate;
  earlier.length = 0;
  if (facility) openCard({ kind: "facility", service: facility.service, facility: facility.facility, found, latlng }, { back: false });
  else if (unit && !site) openCard({ kind: "unit", unit: unitOf(unit.level, unit.unit), found, latlng }, { back: false });
  else openCard({ kind: "point", unit: unit && unitOf(unit.level, unit.unit), found, latlng }, { back: false });
  keepInView(latlng);
}
/* The unit of the finest level drawn at a point, also where no shading shows it. */
function unitUnder(found, latlng) {
  const levels = data.levels.filter((level) => level.shapes.some((shape) => shape.length));
  const level = levels[levels.length - 1];
  if (!level) return;
  level.boxes = level.boxes || level.shapes.map((shape, i) => (shape.length ? L.latLngBounds(unitRings(level, i).map((polygon) => polygon[0]).flat()) : null));
  const inRing = (ring) => {
    let inside = false;
    for (let a = 0, b = ring.length - 1; a < ring.length; b = a++) {
      const [y1, x1] = ring[a], [y2, x2] = ring[b];
      if (y1 > latlng.lat !== y2 > latlng.lat && latlng.lng < (x2 - x1) * (latlng.lat - y1) / (y2 - y1) + x1) inside = !inside;
    }
    return inside;
  };
  const unit = level.boxes.findIndex((box, i) => box && box.contains(latlng)
    && unitRings(level, i).some((polygon) => polygon.filter(inRing).length % 2 === 1));
  if (unit >= 0) found.unit = [{ kind: "unit", level, unit }];
}
function keepInView(latlng) {
  const panel = document.getElementById("sc-card").getBoundingClientRect();
  const frame = map.getContainer().getBoundingClientRect();
  const below = panel.width > frame.width * 0.8;
  map.panInside(latlng, {
    paddingTopLeft: [30, 30], animate: !calm(),
    paddingBottomRight: below ? [30, frame.bottom - panel.top + 30] : [frame.right - panel.left + 30, 30],
  });
}
const calm = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;
function goTo(what) {
  const frame = map.getContainer().getBoundingClientRect();
  const panel = document.getElementById("sc-card").getBoundingClientRect();
  const below = panel.width > frame.width * 0.8;
  const free = below ? [20, frame.bottom - panel.top + 20] : [frame.right - panel.left + 20, 20];
  const key = document.getElementById("sc-legend");
  const left = !below && !key.hidden && frame.width > 1000 ? key.getBoundingClientRect().right - frame.left + 20 : 20;
  if (what.kind === "facility") {
    const place = placesOf(what.service)[what.facility];
    showGroup(groups.find((group) => group.service === what.service && group.kind === "facilities"));
    map.fitBounds([place, place], { maxZoom: Math.max(15, map.getZoom()), paddingTopLeft: [left, 20], paddingBottomRight: free, animate: false });
  } else if (what.kind === "unit") {
    const box = outlineOf(what.unit);
    if (box.length) map.fitBounds(L.polygon(box).getBounds(), { maxZoom: 16, paddingTopLeft: [left, 20], paddingBottomRight: free, animate: false });
  }
}
function showGroup(group) {
  if (!group || map.hasLayer(group.layer)) return;
  map.addLayer(group.layer);
  refresh();
}
function outlineOf(unit) {
  const { level, i } = unitAt(unit);
  return level.shapes[i].length ? unitRings(level, i) : [];
}
/* A dark and white line round what the card is about: seen on any colour. */
function markCard() {
  if (cardOutline) cardOutline.remove();
  cardOutline = null;
  if (!opened) return;
  const pane = "sc-chosen";
  if (!map.getPane(pane)) {
    map.createPane(pane).style.zIndex = 460;
    map.getPane(pane).style.pointerEvents = "none";
    kept.lines = L.canvas({ pane, padding: 0.2 });
  }
  const style = (more) => Object.assign({ pane, renderer: kept.lines, interactive: false, fill: false }, more);
  const lines = [];
  for (const [color, weight] of [["#ffffff", 6], ["#111827", 2.6]]) {
    if (opened.kind === "facility") {
      lines.push(L.circleMarker(placesOf(opened.service)[opened.facility], style({ radius: 14, color, weight: weight * 0.8 })));
    } else if (opened.kind === "unit") {
      const box = outlineOf(opened.unit);
      if (box.length) lines.push(L.polygon(box, style({ color, weight })));
    } else if (opened.latlng) {
      lines.push(L.circleMarker(opened.latlng, style({ radius: 7, color, weight: weight * 0.8 })));
    }
  }
  cardOutline = L.layerGroup(lines).addTo(map);
}

function fillCard() {
  if (!opened) return;
  cardBody.textContent = "";
  cardBody.scrollTop = 0;
  const bar = element("p", "sc-card-bar");
  if (earlier.length) add(bar, cardButton("card_back", "‹", () => openCard(earlier.pop(), { back: false, focus: true })));
  if (opened.kind !== "point") add(bar, cardButton("card_show", "", () => goTo(opened)));
  if (bar.childNodes.length) add(cardBody, bar);
  if (opened.kind === "unit") add(cardBody, unitCard(opened.unit));
  else if (opened.kind === "facility") add(cardBody, facilityCard(opened.service, opened.facility));
  if (!opened.found) return;
  const rest = Object.fromEntries(Object.entries(opened.found).filter(([key]) =>
    !(key === "unit" || (key === "facility" + opened.service && opened.found[key].length < 2))));
  const text = describe(rest, true);
  const others = opened.kind === "unit" ? [] : [opened.unit].filter(known);
  if (!text && !others.length) return;
  const box = add(element("section", "sc-card-part"), element(opened.kind === "point" ? "h3" : "h4", "", say("card_at_point")));
  for (const unit of others) add(box, add(element("p"), unitButton(unit)));
  add(cardBody, add(box, text));
  const head = cardBody.querySelector("h3");
  if (head) head.tabIndex = -1;
}
function cardButton(key, sign, act) {
  const button = element("button", "sc-link", (sign ? sign + " " : "") + say(key));
  button.type = "button";
  button.onclick = act;
  return button;
}
function unitButton(unit, bare) {
  const { level } = unitAt(unit);
  const button = add(element("button", "sc-link"), bdi(unitName(unit)), bare ? null : element("small", "", " " + called(level.title)));
  button.type = "button";
  button.onclick = () => openCard({ kind: "unit", unit }, { focus: true });
  return button;
}
function facilityButton(service, facility) {
  const button = add(element("button", "sc-link"), bdi(facilityName(service, facility)));
  button.type = "button";
  button.onclick = () => openCard({ kind: "facility", service, facility }, { focus: true });
  return button;
}
function cardHead(name, small, before) {
  const head = element("h3", "sc-card-name");
  head.tabIndex = -1;
  return add(head, before, bdi(name), small ? element("small", "", " " + small) : null);
}
function unitCard(unit) {
  const { level, told, i } = unitAt(unit);
  const box = element("section");
  add(box, cardHead(unitName(unit), called(level.title)));
  const about = [told.above[i], told.ids[i]].filter((one) => one && one !== level.names[i]);
  if (about.length) {
    const line = element("p", "sc-more");
    about.forEach((one, n) => add(line, n ? element("span", "", " · ") : null, bdi(one)));
    add(box, line);
  }
  const rows = [];
  if (known(level.people[i])) rows.push([say("people"), count(level.people[i])]);
  if (known(told.official.people[i])) rows.push([say("card_official_people"), count(told.official.people[i])]);
  if (known(level.elderly[i])) rows.push([say("elderly"), count(level.elderly[i])]);
  if (known(told.official.elderly[i])) rows.push([say("card_official_elderly"), count(told.official.elderly[i])]);
  for (const one of data.cards.statistics) {
    if (one.unit === unit) rows.push([called(one.name), figure(one.value) + (one.date ? brackets(one.date) : "")]);
  }
  if (rows.length) add(box, pairs(rows));
  return add(box, verdictsPart(unit), servicesPart(unit));
}
function verdictsPart(unit) {
  const box = add(element("section", "sc-card-part"), element("h4", "", say("card_indicators")));
  const named = resultsOf(unit).map(([indicator, n]) => ({ indicator, n, verdict: data.cards.verdicts[indicator.verdict[n]] || "no_data" }));
  const judged = named.filter((one) => ACCOUNTABLE.includes(one.verdict))
    .sort((a, b) => ACCOUNTABLE.indexOf(a.verdict) - ACCOUNTABLE.indexOf(b.verdict));
  const others = named.filter((one) => !ACCOUNTABLE.includes(one.verdict) && known(pick(one.indicator.value, one.n)));
  if (judged.length) add(box, verdictTable(judged));
  else add(box, element("p", "sc-more", say("card_no_indicators")));
  if (others.length) {
    add(box, folded(say("card_without_target", { count: count(others.length) }), () => verdictTable(others)));
  }
  if (!data.cards.all_results) add(box, element("p", "sc-more", say("card_cut_results")));
  return box;
}
/* A part that is filled when it is first opened. */
function folded(title, fill) {
  const box = element("details", "sc-fold");
  add(box, typeof title === "string" ? element("summary", "", title) : add(element("summary"), title));
  box.addEventListener("toggle", () => { if (box.open && box.childNodes.length === 1) add(box, fill()); });
  return box;
}
/* The value of a unit in what it is measured in. */
function measured(indicator, value, share) {
  if (!known(value)) return "–";
  if (indicator.measured === "facilities") return say("card_facilities", { count: figure(value) });
  if (indicator.measured === "minutes") return say("minutes", { minutes: figure(value) });
  if (indicator.measured === "metres") return distance(value);
  return figure(value) + share;
}
function verdictTable(rows) {
  const table = element("table", "sc-score sc-verdicts");
  const header = element("tr");
  for (const key of ["indicator", "value", "target", "verdict"]) {
    const cell = element("th", "", say(key));
    cell.scope = "col";
    add(header, cell);
  }
  const body = element("tbody");
  for (const { indicator, n, verdict } of rows) {
    const told = data.scorecard[indicator.score];
    const unit = told && indicator.measured === "own" ? called(told.unit) : "";
    const share = unit === "%" || unit === "percent" ? "%" : "";
    const number = (key) => measured(indicator, pick(indicator[key], n), share);
    const name = add(element("td"), bdi(told ? told.name : indicator.name));
    if (indicator.alternative) add(name, add(element("small"), bdi(indicator.alternative)));
    if (told && new Set(data.scorecard.map((row) => called(row.plan))).size > 1) add(name, add(element("small"), bdi(told.plan)));
    const value = add(element("td", "sc-number"), element("span", "", number("value")));
    if (unit && !share) add(value, add(element("small"), bdi(unit)));
    const low = pick(indicator.low, n), high = pick(indicator.high, n);
    if (known(low) && known(high) && low !== high) add(value, element("small", "", say("range") + " " + figure(low) + "–" + figure(high)));
    const judged = element("td", "sc-verdict sc-" + verdict);
    add(judged, element("b", "", (data.palette.signs[verdict] || "") + " "), element("span", "", say("verdict_" + verdict)));
    const lacks = pick(indicator.shortfall, n);
    const thing = pick(indicator.thing, n);
    // That this unit is the one that lacks it needs no number.
    if (known(lacks) && lacks > 0 && verdict !== "met" && thing !== "units") {
      add(judged, add(element("small"), bdi(say("card_lacks", { count: lacks < 100 ? figure(lacks) : count(lacks), thing: called(data.cards.things[thing]) || thing }))));
    }
    const line = add(element("tr"), name, value, element("td", "sc-number", number("target")), judged);
    line.dataset.indicator = String(data.cards.indicators.indexOf(indicator));
    add(body, line);
  }
  return add(element("div", "sc-wide"), add(table, add(element("thead"), header), body));
}
function servicesPart(unit) {
  const box = add(element("section", "sc-card-part"), element("h4", "", say("card_services")));
  const all = data.layers.length > 1 && data.layers.every((layer) => layer.invented);
  if (all) add(box.firstChild, tag());
  const { depth, i } = unitAt(unit);
  data.layers.forEach((layer, service) => {
    const cover = data.cards.coverage[service];
    const here = cover.facilities ? cover.facilities[depth][i] : null;
    const head = element("span", "sc-service-line");
    add(head, badge(layer), bdi(layer.title), layer.invented && !all && tag());
    const facts = element("span", "sc-service-facts");
    if (known(here)) add(facts, element("span", "", say("card_here", { count: count(here) })));
    const main = cover.rated.find((one) => one.rule === cover.main);
    if (main) {
      for (const one of ["people", "elderly"]) {
        const rate = main[one + "_rate"][depth][i];
        if (known(rate)) add(facts, element("span", "", say(one) + " " + percent(rate / 10000)));
      }
    }
    const part = folded(add(element("span", "sc-service-head"), head, facts), () => serviceDetails(unit, service));
    part.dataset.service = String(service);
    add(box, part);
    add(box, nearestLine(unit, service));
  });
  add(box, element("p", "sc-more", say("card_nearest_note")));
  if (!data.cards.all_rules) add(box, element("p", "sc-more", say("card_cut_rates")));
  return box;
}
function nearestLine(unit, service) {
  const line = element("p", "sc-near");
  line.dataset.service = String(service);
  const { inside, nearest, metres } = nearby(service, unit);
  if (inside.length) {
    inside.slice(0, 3).forEach((f) => add(line, facilityButton(service, f)));
    add(line, element("span", "sc-muted", (inside.length > 3 ? "+" + (inside.length - 3) + " · " : "") + say("card_inside")));
  } else if (known(nearest)) {
    add(line, element("span", "sc-muted", say("card_nearest") + " "), facilityButton(service, nearest),
      element("span", "sc-muted", say("card_away", { distance: distance(metres) })));
  } else {
    add(line, element("span", "sc-muted", say("card_none")));
  }
  return line;
}
function serviceDetails(unit, service) {
  const { depth, i } = unitAt(unit);
  const cover = data.cards.coverage[service], box = element("div", "sc-details");
  if (cover.rated.length) {
    const table = element("table", "sc-rates");
    const header = element("tr");
    for (const key of ["card_rule", "people", "elderly"]) {
      const cell = element("th", "", say(key));
      cell.scope = "col";
      add(header, cell);
    }
    const body = element("tbody");
    for (const one of cover.rated) {
      const row = add(element("tr"), element("td", "", called(data.cards.rules[one.rule])));
      for (const key of ["people", "elderly"]) {
        const rate = one[key + "_rate"][depth][i];
        const cell = element("td", "sc-number", known(rate) ? percent(rate / 10000) : say("no_data"));
        if (known(one[key][depth][i])) add(cell, element("small", "", count(one[key][depth][i])));
        add(row, cell);
      }
      add(body, row);
    }
    add(box, add(table, add(element("thead"), header), body));
    const mean = cover.mean && cover.mean[depth][i], most = cover.p90 && cover.p90[depth][i];
    if (known(mean)) add(box, element("p", "sc-more", say("card_mean", { minutes: figure(mean), most: known(most) ? figure(most) : "–" })));
  }
  add(box, add(element("p", "sc-more"), bdi(data.layers[service].way)));
  const { inside } = nearby(service, unit);
  if (inside.length > 3) {
    const line = element("p", "sc-near");
    inside.slice(3, 3 + MOST_INSIDE).forEach((f) => add(line, facilityButton(service, f)));
    if (inside.length > 3 + MOST_INSIDE) add(line, element("span", "sc-muted", "+" + (inside.length - 3 - MOST_INSIDE)));
    add(box, line);
  }
  return box;
}
function facilityCard(service, f) {
  const layer = data.layers[service], list = layer.facilities;
  const all = data.cards.facilities, told = all.layers[service];
  const box = element("section");
  const head = cardHead(facilityName(service, f), "", badge(layer));
  if (layer.invented || list.invented[f]) add(head, tag());
  add(box, head);
  const rows = [[say("service"), called(layer.title)]];
  if (known(list.capacity[f])) rows.push([say("capacity"), count(list.capacity[f])]);
  if (list.status[f]) rows.push([say("status"), say("status_" + list.status[f], {}, list.status[f])]);
  if (list.addresses[f]) rows.push([say("address"), list.addresses[f]]);
  for (const [name, values] of Object.entries(told.details)) {
    if (!values[f]) continue;
    const worded = Object.hasOwn(all.values, name) && Object.hasOwn(all.values[name], values[f]);
    rows.push([called(all.details[name]), worded ? called(all.values[name][values[f]]) : values[f]]);
  }
  const file = all.files[told.file[f]];
  if (file) rows.push([say("card_source"), known(told.row[f]) ? say("card_row", { file, row: String(told.row[f]) }) : file]);
  if (list.snap[f] === "unsnapped") rows.push(["⚠", say("snap_unsnapped")]);
  add(box, pairs(rows));
  if (!told.open[f]) add(box, element("p", "sc-warn", "⚠ " + say("card_not_counted")));
  const homes = Object.values(told.units).map((units) => units[f]).filter((unit) => known(unit) && unit >= 0);
  if (homes.length) {
    const part = add(element("section", "sc-card-part"), element("h4", "", say("card_units")));
    for (const unit of homes.sort((a, b) => a - b)) add(part, add(element("p", "sc-near"), unitButton(unit)));
    add(box, part);
  }
  const reach = told.reach.filter((one) => known(one.people[f]) || known(one.elderly[f]));
  if (reach.length) {
    const table = element("table", "sc-rates"), header = element("tr"), body = element("tbody");
    for (const key of ["card_minutes", "people", "elderly"]) {
      const cell = element("th", "", say(key));
      cell.scope = "col";
      add(header, cell);
    }
    for (const one of reach) {
      add(body, add(element("tr"), element("td", "", say("minutes", { minutes: figure(one.minutes) })),
        element("td", "sc-number", count(one.people[f])), element("td", "sc-number", count(one.elderly[f]))));
    }
    add(box, add(element("section", "sc-card-part"), element("h4", "", say("card_reach")),
      add(table, add(element("thead"), header), body), add(element("p", "sc-more"), bdi(layer.way))));
  }
  return box;
}
onStart(() => {
  cardBody = panel("sc-card", "card");
  const section = document.getElementById("sc-card");
  let shown = !section.hidden;
  new MutationObserver(() => {
    if (shown && section.hidden) cardClosed();
    shown = !section.hidden;
  }).observe(section, { attributes: true, attributeFilter: ["hidden"] });
  onLanguage(fillCard);
});
