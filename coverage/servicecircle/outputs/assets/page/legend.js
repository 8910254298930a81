/* The legend of what is shown. */
function legend() {
  legendInto(document.getElementById("sc-legend-body"));
}
function legendInto(body) {
  body.textContent = "";
  const on = (kind) => groups.filter((group) => group.kind === kind && map.hasLayer(group.layer));
  if (data.siting) siteLegend(body, on);
  for (const group of on("shade")) add(body, shadeLegend(group));
  for (const group of on("circles")) {
    const layer = data.layers[group.service];
    const block = legendBlock(layer, t("circles"));
    const row = element("div", "sc-row");
    const last = layer.circles.length - 1;
    layer.circles.forEach((circle, i) => {
      const style = bandStyle(layer, i, last);
      const swatch = element("span", "sc-band");
      swatch.style.border = Math.round(style.weight) + "px " + (style.dashArray ? "dashed" : "solid") + " " + layer.colour;
      swatch.style.background = layer.colour + ["26", "40", "59", "73"][Math.min(3, i)];
      add(row, swatch, element("span", "", words("minutes", { minutes: figure(circle.minutes) })));
    });
    add(body, add(block, row, element("p", "sc-more", layer.way)));
  }
  for (const group of on("own")) add(body, legendBlock(data.layers[group.service], t("own_circles")));
  for (const group of on("overlaps")) {
    const layer = data.layers[group.service];
    const counts = layer.overlaps.map((area) => area.facilities);
    const row = element("div", "sc-row");
    for (const many of counts.slice(0, 5)) {
      const swatch = element("span", "sc-band");
      swatch.style.background = layer.colour;
      swatch.style.opacity = String(1 - Math.pow(0.84, counts.indexOf(many) + 1));
      add(row, swatch, element("span", "", "≥" + count(many)));
    }
    add(body, add(legendBlock(layer, t("overlaps")), row));
  }
  for (const group of on("uncovered")) {
    const layer = data.layers[group.service], cells = layer.uncovered;
    const row = element("div", "sc-row");
    const most = cellScale(cells);
    for (const share of [0.1, 0.4, 1]) {
      const dot = element("span", "sc-dot");
      dot.style.width = dot.style.height = Math.round(20 * Math.sqrt(share)) + "px";
      add(row, dot, element("span", "", (share === 1 ? "≥" : "") + count(Math.max(1, most * share)) + " " + t("person_unit")));
    }
    const title = cells.weight === "elderly" ? t("uncovered_elderly") : t("uncovered");
    add(body, add(legendBlock(layer, title), row, element("p", "sc-more", words("cell", { metres: count(cells.cell_m) }))));
  }
  const shown = on("facilities");
  if (shown.length) {
    const block = element("div", "sc-block");
    let numbered = false;
    for (const group of shown) {
      const layer = data.layers[group.service], list = layer.facilities;
      add(block, add(element("div", "sc-row"), badge(layer), bdi(layer.title),
        element("span", "sc-muted", " " + count(list.names.length)), layer.invented && tag()));
      const proposed = list.status.filter((status) => status === "proposed").length;
      if (proposed) add(block, element("p", "sc-more", say("of_them_proposed", { count: count(proposed) })));
      if (list.names.length > 1) numbered = true;
      if (list.unplaced) add(block, element("p", "sc-more", words("unplaced", { count: count(list.unplaced) })));
    }
    if (numbered) add(block, element("p", "sc-more sc-screen", say("cluster_note")));
    add(body, block);
  }
  for (const kind of ["water", "barriers"]) {
    if (on(kind).length) add(body, add(element("div", "sc-block sc-row"), element("span", "sc-band sc-" + kind), element("span", "", say(kind))));
  }
  if (on("scopes").length) {
    const block = element("div", "sc-block");
    for (const scope of data.scopes) add(block, add(element("div", "sc-row"), element("span", "sc-dash"), bdi(scope.name)));
    add(body, block);
  }
}
function legendBlock(layer, title) {
  const head = add(element("h3"), badge(layer), bdi(layer.title), element("span", "", " · " + title));
  if (layer.invented) add(head, tag());
  return add(element("div", "sc-block"), head);
}
function shadeLegend(group) {
  const layer = data.layers[group.service];
  const level = data.levels.find((one) => one.level === group.level);
  const presence = layer.kind === "presence";
  const block = legendBlock(layer, say("rate_by", { level: called(level.title), rate: say(presence ? "presence_rate" : measureOf(layer) + "_rate") }));
  const row = element("div", "sc-scale");
  if (presence) {
    add(row, swatch(data.palette.presence[0], t("has_not")), swatch(data.palette.presence[1], t("has")));
  } else {
    data.palette.rates.forEach((colour, i) => {
      add(row, swatch(colour, Math.round(data.palette.breaks[i] * 100) + "–" + Math.round(data.palette.breaks[i + 1] * 100) + "%"));
    });
  }
  add(row, swatch("hatch", presence ? t("no_data") + " / " + t("not_required") : t("no_data")));
  add(block, row, element("p", "sc-more", layer.rule));
  if (!presence && rated(layer, "people") && rated(layer, "elderly")) add(block, measureSwitch(layer));
  return block;
}
function swatch(colour, text) {
  const chip = element("i", colour === "hatch" ? "sc-hatch" : "");
  if (colour !== "hatch") chip.style.background = colour;
  return add(element("span", "sc-chip"), chip, element("span", "", text));
}
function measureSwitch(layer) {
  const box = element("div", "sc-switch");
  for (const one of ["people", "elderly"]) {
    const on = one === measureOf(layer);
    const button = element("button", on ? "sc-on" : "", say(one + "_rate"));
    button.type = "button";
    button.setAttribute("aria-pressed", String(on));
    button.onclick = () => {
      rateChosen = one;
      for (const group of groups) if (group.kind === "shade" && group.filled) group.layer.eachLayer(paint);
      legend();
      const same = document.querySelector("#sc-legend .sc-switch .sc-on");
      if (same) same.focus({ preventScroll: true });
    };
    add(box, button);
  }
  return box;
}
