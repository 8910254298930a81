/* A siting study: numbered sites by phase, candidates, units before and after. */
const NumberedSite = Marker.extend({
  _updatePath() {
    const letter = this.options.letter;
    const small = letter && letter.length > 2;
    if (small) this.options.letter = "";
    Marker.prototype._updatePath.call(this);
    this.options.letter = letter;
    if (!small || !this._renderer._drawing || this._empty()) return;
    const context = this._renderer._ctx;
    context.fillStyle = this.options.letterColour;
    context.font = "bold " + Math.round(this._radius * 0.85) + "px sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(letter, this._point.x, this._point.y + 0.5);
  },
});
Object.assign(makers, {
  sites() {
    const list = data.siting.sites;
    const order = steps(list.points).map((point, i) => [point, i]).reverse();
    return order.map(([point, i]) => {
      const closes = list.closes[i] === 1;
      const colour = closes ? "#3d4650" : data.siting.phases[list.phase[i]].colour;
      const marker = new NumberedSite(point, drawn("sites", {
        radius: siteRadius(), color: closes ? colour : "#ffd21f", weight: 2.5, opacity: 1,
        fillColor: closes ? "#fff" : colour, fillOpacity: 1, dashArray: closes ? "3 2" : null,
        letter: closes ? "×" : String(list.number[i]), letterColour: closes ? colour : "#fff",
      }));
      marker.sc = { kind: "site", site: i };
      return marker;
    });
  },
  candidates() {
    const list = data.siting.candidates;
    return steps(list.points).map((point, i) => {
      const marker = new Marker(point, drawn("candidates", {
        radius: 3, color: "#3d4650", weight: 1, opacity: 0.8, fillColor: "#fff", fillOpacity: 0.9,
      }));
      marker.sc = { kind: "candidate", candidate: i };
      return marker;
    });
  },
  sited(group) {
    const level = data.levels.find((one) => one.level === group.level);
    const shares = data.siting.units[group.moment];
    return level.shapes.map((shape, i) => {
      if (!shape.length) return null;
      const known_ = known(shares[i]);
      const polygon = L.polygon(unitRings(level, i), drawn("sited", {
        stroke: false, fillColor: known_ ? rateColour(shares[i]) : hatch(), fillOpacity: known_ ? 0.72 : 0.8,
      }));
      polygon.sc = { kind: "sited", level, unit: i };
      return polygon;
    }).filter(Boolean);
  },
});
const siteRadius = () => (map.getZoom() < 11 ? 9 : 11);
function rateColour(rate) {
  const palette = data.palette;
  let index = 0;
  while (index < palette.rates.length - 1 && rate >= palette.breaks[index + 1]) index++;
  return palette.rates[index];
}
function siteBadge(text, colour, closes) {
  const node = element("span", "sc-badge sc-site", text);
  node.style.background = closes ? "#fff" : colour;
  if (closes) node.style.color = colour;
  node.style.boxShadow = "0 0 0 2px " + (closes ? colour : "#ffd21f");
  return node;
}
function siteText(what) {
  const list = data.siting.sites, i = what.site, closes = list.closes[i] === 1;
  const phase = data.siting.phases[list.phase[i]];
  const box = element("section");
  const badgeOf = closes ? siteBadge("×", "#3d4650", true) : siteBadge(String(list.number[i]), phase.colour);
  add(box, add(element("h3"), badgeOf, bdi(list.names[i] || "–"), element("small", "", " " + (closes ? t("site_closes") : called(phase.title)))));
  const people = (key) => called(data.siting.people) + " " + count(list[key][i]);
  const rows = [];
  if (known(list.people_added[i])) rows.push([t("site_added"), people("people_added")]);
  if (known(list.people_alone[i])) rows.push([t("site_alone"), people("people_alone")]);
  if (known(list.people_covered[i])) {
    rows.push([t("site_covered"), people("people_covered") + brackets(percent(list.share[i]))]);
  }
  if (known(list.people_served[i])) rows.push([t("site_served"), people("people_served")]);
  if (list.units[i]) rows.push([t("site_unit"), list.units[i]]);
  rows.push([t("site_source"), list.sources[i]]);
  if (known(list.capacity[i])) rows.push([t("capacity"), count(list.capacity[i])]);
  if (known(list.cost[i]) && !closes) rows.push([t("site_cost"), figure(list.cost[i])]);
  return add(box, pairs(rows));
}
function candidateText(what) {
  const list = data.siting.candidates;
  return element("p", "sc-part", t("site_candidate") + " · " + t("site_alone") + " " + count(list.people[what.candidate]));
}
function sitedText(what) {
  const units = data.siting.units, i = what.unit;
  const box = element("section");
  add(box, add(element("h3"), bdi(what.level.names[i] || "–"), element("small", "", " " + called(what.level.title))));
  const rows = [
    [data.siting.people, count(units.people[i])],
    [t("site_within"), data.siting.within],
    [t("site_before"), percent(units.before[i])], [t("site_after"), percent(units.after[i])],
    [t("site_gained"), count(units.gained[i])], [t("site_new"), count(units.sites[i])],
  ];
  if (known(units.line[i])) rows.push([t("site_line"), percent(units.line[i])]);
  return add(box, pairs(rows));
}
function siteLegend(body, on) {
  if (on("sites").length) {
    const block = add(element("div", "sc-block"), element("h3", "", t("site")));
    data.siting.phases.forEach((phase, at) => {
      const many = data.siting.sites.phase.filter((one, i) => one === at && !data.siting.sites.closes[i]).length;
      add(block, add(element("div", "sc-row"), siteBadge("", phase.colour), bdi(phase.title), element("span", "sc-muted", " " + count(many))));
    });
    if (data.siting.sites.closes.some((one) => one)) {
      add(block, add(element("div", "sc-row"), siteBadge("×", "#3d4650", true), element("span", "", t("site_closes"))));
    }
    for (const line of data.siting.said.slice(0, 2)) add(block, element("p", "sc-more", line));
    add(body, block);
  }
  if (on("candidates").length) {
    const list = data.siting.candidates, block = add(element("div", "sc-block"), element("h3", "", t("candidates")));
    const shown = list.people.length;
    add(body, add(block, add(element("div", "sc-row"), element("span", "sc-candidate"), element("span", "sc-more", shown < list.all
      ? words("candidates_some", { shown: count(shown), all: count(list.all) }) : count(list.all)))));
  }
  for (const group of on("sited")) {
    const block = add(element("div", "sc-block"), element("h3", "", t("site_" + group.moment) + " · " + called(data.siting.people)),
      element("p", "sc-more", data.siting.within));
    const row = element("div", "sc-scale");
    data.palette.rates.forEach((colour, i) => {
      add(row, swatch(colour, Math.round(data.palette.breaks[i] * 100) + "–" + Math.round(data.palette.breaks[i + 1] * 100) + "%"));
    });
    add(body, add(block, add(row, swatch("hatch", t("no_data")))));
  }
}
