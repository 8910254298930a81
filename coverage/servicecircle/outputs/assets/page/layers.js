/* Outlines of units are arcs, each there once: the same line for both units beside it. */
function arcLines(level) {
  return level.lines || (level.lines = level.arcs.map(steps));
}
function unitRings(level, unit) {
  const lines = arcLines(level);
  level.rings = level.rings || [];
  return level.rings[unit] || (level.rings[unit] = level.shapes[unit].map((polygon) => polygon.map((ring) =>
    ring.flatMap((arc) => (arc < 0 ? lines[~arc].slice().reverse() : lines[arc]).slice(0, -1)))));
}
/* What each group of the map holds; made when it is first shown. */
const makers = {
  roads() {
    return data.roads.map((lines, rank) => {
      if (!lines.length) return null;
      const line = L.polyline(lines.map(steps), drawn("roads", roadStyle(rank)));
      line.sc = { kind: "road", style: () => roadStyle(rank) };
      return line;
    }).filter(Boolean).reverse();
  },
  borders() {
    return data.levels.map((level, depth) => {
      if (!level.arcs.length) return null;
      // Every stretch once: where two units meet, one line and not two over each other.
      const line = L.polyline(arcLines(level), drawn("borders", borderStyle(depth)));
      line.sc = { kind: "border", style: () => borderStyle(depth) };
      return line;
    }).filter(Boolean).reverse();
  },
  scopes() {
    return data.scopes.filter((scope) => scope.shape.length).map((scope) => {
      const line = L.polygon(rings(scope.shape), drawn("scopes",
        { color: "#111827", weight: 2.4, dashArray: "9 6", fill: false }));
      line.sc = { kind: "scope", name: scope.name };
      return line;
    });
  },
  names(group) {
    const level = data.levels.find((one) => one.level === group.level);
    return level.names.map((name, i) => {
      if (!name || !level.shapes[i].length) return null;
      const box = L.polygon(unitRings(level, i)).getBounds();
      const label = L.tooltip({ pane: drawn("names").pane, permanent: true, direction: "center", className: "sc-name", interactive: false })
        .setLatLng(box.getCenter()).setContent(bdi(name));
      label.sc = { kind: "name", box };
      return label;
    }).filter(Boolean);
  },
  shade(group) {
    const level = data.levels.find((one) => one.level === group.level);
    return level.shapes.map((shape, i) => {
      if (!shape.length) return null;
      const polygon = L.polygon(unitRings(level, i), drawn("shade", { stroke: false }));
      polygon.sc = { kind: "unit", level, unit: i, service: group.service };
      paint(polygon);
      return polygon;
    }).filter(Boolean);
  },
  circles(group) {
    const layer = data.layers[group.service];
    const last = layer.circles.length - 1;
    return layer.circles.filter((circle) => circle.shape.length).map((circle, i) => {
      const line = L.polygon(rings(circle.shape), drawn("circles", bandStyle(layer, i, last)));
      line.sc = { kind: "circle", circle, service: group.service };
      return line;
    });
  },
  own(group) {
    const layer = data.layers[group.service];
    return layer.own.filter((circle) => circle.shape.length).map((circle) => {
      const line = L.polygon(rings(circle.shape), drawn("own",
        { color: layer.colour, weight: 1.3, opacity: 0.9, fillColor: layer.colour, fillOpacity: 0.05 }));
      line.sc = { kind: "own", circle, service: group.service };
      return line;
    });
  },
  overlaps(group) {
    const layer = data.layers[group.service];
    return layer.overlaps.filter((area) => area.shape.length).map((area) => {
      const shape = L.polygon(rings(area.shape), drawn("overlaps",
        { stroke: true, color: layer.colour, weight: 0.6, opacity: 0.5, fillColor: layer.colour, fillOpacity: 0.16 }));
      shape.sc = { kind: "overlap", area, service: group.service };
      return shape;
    });
  },
  uncovered(group) {
    const cells = data.layers[group.service].uncovered;
    const points = steps(cells.points);
    const most = cellScale(cells);
    const order = points.map((_, i) => i).sort((a, b) => cells.people[b] - cells.people[a] || a - b);
    return order.map((i) => {
      const share = Math.min(1, Math.sqrt(cells.people[i] / most));
      const marker = new CellCircle(points[i], drawn("uncovered", {
        radius: Math.max(0.12, share) * 0.48 * cells.cell_m, stroke: true, color: "#9c2407", weight: 0.7,
        opacity: 0.75, fillColor: "#d1350f", fillOpacity: 0.5,
      }));
      marker.sc = { kind: "uncovered", cell: i, service: group.service };
      return marker;
    });
  },
};
/* A circle of so many metres that never gets smaller than a visible dot. */
const CellCircle = L.Circle.extend({
  _project() {
    L.Circle.prototype._project.call(this);
    if (this._radius < 1.6) { this._radius = this._radiusY = 1.6; this._updateBounds(); }
  },
});
function cellScale(cells) {
  const sorted = cells.people.slice().sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * 0.98)] || 1;
}
/* Thin from afar, so that many small units or streets do not turn the map grey. */
function roadStyle(rank) {
  const near = Math.max(0, Math.min(1, (map.getZoom() - 10.5) / 4));
  return [
    { color: "#8d949c", weight: 1.3 + 1.7 * near, opacity: 0.8 },
    { color: "#99a0a8", weight: 0.9 + 1.3 * near, opacity: 0.5 + 0.3 * near },
    { color: "#a3aab1", weight: 0.5 + 0.9 * near, opacity: 0.32 + 0.45 * near },
  ][rank];
}
function borderStyle(depth) {
  const near = Math.max(0, Math.min(1, (map.getZoom() - 10.5) / 4));
  const above = data.levels.length - 1 - depth;
  const weight = data.levels.length === 1 ? 1.6 : [0.5 + 0.8 * near, 1.5 + near, 2.6 + near][Math.min(2, above)];
  return { color: "#3d4650", weight, opacity: above === 0 && data.levels.length > 1 ? 0.55 : 0.85, fill: false };
}
function bandStyle(layer, i, last) {
  const inner = last === 0 ? 1 : i / last;
  return {
    color: layer.colour, weight: 1.2 + 0.9 * inner, opacity: 0.95,
    dashArray: inner === 0 && last > 0 ? "6 4" : inner < 1 ? "10 3" : null,
    fillColor: layer.colour, fillOpacity: 0.08 + 0.07 * inner,
  };
}
function paint(polygon) {
  const { level, unit, service } = polygon.sc;
  const layer = data.layers[service];
  const [colour, hatched] = unitColour(layer, level, unit);
  polygon.setStyle({ fillColor: hatched ? hatch() : colour, fillOpacity: hatched ? 0.8 : 0.72 });
}
function unitRate(layer, level, unit) {
  const values = layer.shade[level.level];
  return values ? values[measureOf(layer) + "_rate"][unit] : null;
}
function unitColour(layer, level, unit) {
  const palette = data.palette;
  if (layer.kind === "presence") {
    const many = layer.shade[level.level].facilities[unit];
    if (!level.required[unit] && !many) return [palette.none, true];
    return known(many) ? [palette.presence[many > 0 ? 1 : 0], false] : [palette.none, true];
  }
  const rate = unitRate(layer, level, unit);
  if (!known(rate)) return [palette.none, true];
  let index = 0;
  while (index < palette.rates.length - 1 && rate >= palette.breaks[index + 1]) index++;
  return [palette.rates[index], false];
}
