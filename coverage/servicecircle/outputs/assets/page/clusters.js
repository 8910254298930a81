/* Facilities: an icon by layer, and one icon with a number where several would lie over each other. */
const ICON = 8.5, TOGETHER = 26, APART_FROM = 17;
/* Outlines of the icons about a point, as wide as each other to the eye; told apart without colour. */
const OUTLINES = {
  circle(context, x, y, r) { context.arc(x, y, r, 0, 2 * Math.PI); },
  square: corners([[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]]),
  diamond: corners([[0, -1.25], [1.25, 0], [0, 1.25], [-1.25, 0]]),
  hexagon: corners([[-0.58, -1], [0.58, -1], [1.15, 0], [0.58, 1], [-0.58, 1], [-1.15, 0]]),
  house: corners([[0, -1.25], [1, -0.35], [1, 0.95], [-1, 0.95], [-1, -0.35]]),
  shield: corners([[-1, -0.95], [1, -0.95], [1, 0.35], [0, 1.25], [-1, 0.35]]),
};
function corners(points) {
  return (context, x, y, r) => {
    points.forEach(([dx, dy], i) => (i ? context.lineTo(x + dx * r, y + dy * r) : context.moveTo(x + dx * r, y + dy * r)));
    context.closePath();
  };
}
const Icon = L.CircleMarker.extend({
  _updatePath() {
    const renderer = this._renderer, context = renderer._ctx, { x, y } = this._point, r = this._radius;
    if (!renderer._drawing || this._empty()) return;
    context.beginPath();
    (OUTLINES[this.options.shape] || OUTLINES.circle)(context, x, y, r);
    renderer._fillStroke(context, this);
    const text = this.options.text;
    context.globalAlpha = 1;
    context.fillStyle = this.options.textColour;
    context.font = "bold " + Math.round(text.length > 3 ? r * 0.72 : text.length > 1 ? r * 0.95 : r * 1.25) + "px sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(text, x, y + 0.5);
  },
});
const short = (many) => (many < 1000 ? String(many) : (many < 9950 ? (many / 1000).toFixed(1) : Math.round(many / 1000)) + "k");
/* Which facilities lie within so many pixels of each other at a zoom: each list in the order of the data. */
function gathered(points, zoom) {
  const all = points.map((_, i) => [i]);
  if (zoom >= APART_FROM) return all;
  const scale = Math.pow(2, zoom) / TOGETHER, cells = new Map(), taken = new Uint8Array(points.length);
  const at = points.map(([x, y]) => [x * scale, y * scale]);
  at.forEach(([x, y], i) => {
    const key = Math.floor(x) * 1e7 + Math.floor(y);
    if (cells.has(key)) cells.get(key).push(i); else cells.set(key, [i]);
  });
  const found = [];
  for (let i = 0; i < points.length; i++) {
    if (taken[i]) continue;
    const [x, y] = at[i], column = Math.floor(x), row = Math.floor(y), members = [];
    for (let c = column - 1; c <= column + 1; c++) {
      for (let r = row - 1; r <= row + 1; r++) {
        const key = c * 1e7 + r, here = cells.get(key);
        if (!here) continue;
        // Who is taken leaves its cell, so that no cell is read through again and again.
        const left = [];
        for (const j of here) {
          const near = (at[j][0] - x) ** 2 + (at[j][1] - y) ** 2 <= 1;
          if (near) { members.push(j); taken[j] = 1; } else left.push(j);
        }
        if (left.length < here.length) { if (left.length) cells.set(key, left); else cells.delete(key); }
      }
    }
    found.push(members.sort((a, b) => a - b));
  }
  return found;
}
function facilityIcon(service, i, point) {
  const layer = data.layers[service], status = layer.facilities.status[i];
  const open = status === "" || status === "open";
  const icon = new Icon(point, drawn("facilities", {
    radius: ICON, shape: layer.shape, color: open ? "#fff" : layer.colour, weight: 1.5, opacity: 1,
    dashArray: status === "closed" ? "2 2" : null, fillColor: open ? layer.colour : "#fff",
    fillOpacity: open ? 1 : 0.85, text: called(layer.mark), textColour: open ? "#fff" : layer.colour,
  }));
  icon.sc = { kind: "facility", facility: i, service };
  return icon;
}
function clusterIcon(service, members, point, bounds) {
  const layer = data.layers[service];
  const icon = new Icon(point, drawn("facilities", {
    radius: ICON + 2.2 * Math.log10(members.length) + 2, shape: layer.shape, color: "#fff", weight: 2.5, opacity: 1,
    fillColor: layer.colour, fillOpacity: 0.92, text: short(members.length), textColour: "#fff",
  }));
  icon.sc = { kind: "cluster", service, members, bounds };
  return icon;
}
/* Draws what lies in the window and half a window around it, at the zoom that there is. */
function fitFacilities(group) {
  const zoom = Math.floor(map.getZoom() + 1e-6), view = map.getBounds();
  const last = group.drawn;
  if (last && last.zoom === zoom && last.area.contains(view)) return;
  const list = data.layers[group.service].facilities;
  if (!group.places) {
    group.places = steps(list.points);
    group.flat = group.places.map(([lat, lon]) => { const p = map.project([lat, lon], 0); return [p.x, p.y]; });
    group.gathered = {};
  }
  const together = group.gathered[zoom] || (group.gathered[zoom] = gathered(group.flat, zoom).map((members) => {
    let south = 90, north = -90, west = 360, east = -360, lat = 0, lon = 0;
    for (const i of members) {
      const [y, x] = group.places[i];
      south = Math.min(south, y); north = Math.max(north, y); west = Math.min(west, x); east = Math.max(east, x);
      lat += y; lon += x;
    }
    return { members, point: [lat / members.length, lon / members.length], bounds: [[south, west], [north, east]] };
  }));
  const area = view.pad(0.5);
  group.drawn = { zoom, area };
  group.layer.clearLayers();
  for (const { members, point, bounds } of together) {
    if (!area.contains(point)) continue;
    group.layer.addLayer(members.length === 1
      ? facilityIcon(group.service, members[0], point) : clusterIcon(group.service, members, point, bounds));
  }
}
Object.assign(makers, {
  facilities(group) {
    const fitted = () => { if (map.hasLayer(group.layer)) fitFacilities(group); };
    map.on("moveend", fitted);
    group.layer.on("add", fitted);
    fitFacilities(group);
    return [];
  },
});
/* A click on a number goes nearer, unless all of them are at one place. */
function zoomToCluster(found) {
  const key = Object.keys(found).sort().find((one) => found[one][0].kind === "cluster");
  if (!key) return false;
  const { bounds } = found[key][found[key].length - 1];
  const zoom = Math.min(APART_FROM, map.getBoundsZoom(L.latLngBounds(bounds).pad(0.15)));
  if (Math.floor(zoom + 1e-6) <= Math.floor(map.getZoom() + 1e-6) && map.getZoom() >= APART_FROM) return false;
  map.setView(L.latLngBounds(bounds).getCenter(), Math.max(zoom, Math.min(APART_FROM, map.getZoom() + 1)));
  return true;
}
function clusterText(what) {
  return part(what, say("cluster", { count: count(what.members.length) }));
}
/* The outline of an icon for the legend, the cards and the control. */
function shapeClass(layer) { return "sc-badge sc-shape-" + layer.shape; }
