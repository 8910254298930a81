/* Words, elements and geometry that the other parts use. */
const SCALE = 1e5;
// Each kind is drawn on a canvas of its own, so that order never depends on what was switched on.
const PANES = {
  shade: 380, roads: 385, borders: 390, circles: 400, overlaps: 405, own: 410, scopes: 420,
  uncovered: 430, names: 440, facilities: 450,
  sited: 381, candidates: 432, sites: 455,
};
let data, map, groups;
const renderers = {};

/* Both languages are in the page. Names from the data are plain texts or {zh, en}. */
let language = document.documentElement.lang.startsWith("zh") ? "zh" : "en";
const said = [];
const called = (name) =>
  (known(name) && typeof name === "object" ? name[language] || name.zh || name.en || "" : known(name) ? String(name) : "");
/* The label of a key; `otherwise` where there is none. */
function say(key, values, otherwise) {
  const labels = data.labels[language];
  if (!Object.hasOwn(labels, key)) return otherwise === undefined ? key : otherwise;
  return values ? labels[key].replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole)) : labels[key];
}
/* `redraw` runs after each switch, in the order of registration; with `now` at once too. */
function onLanguage(redraw, now) {
  said.push(redraw);
  if (now) redraw(language);
}
function speak(wanted) {
  if (wanted === language || !Object.hasOwn(data.labels, wanted)) return;
  language = wanted;
  for (const redraw of said) redraw(language);
}
/* Texts of the page that carry the key of their label. */
function relabel(root) {
  for (const node of root.querySelectorAll("[data-say]")) node.textContent = say(node.dataset.say);
  for (const node of root.querySelectorAll("[data-say-title]")) {
    const text = say(node.dataset.sayTitle);
    node.title = text;
    node.setAttribute("aria-label", text);
  }
}
/* Whose rate shades a layer: its own, until the reader chooses; the other where it has none. */
let rateChosen = null;
const rated = (layer, one) => Object.values(layer.shade).some((values) => values[one + "_rate"].some(known));
function measureOf(layer) {
  const wanted = rateChosen || layer.measure;
  return rated(layer, wanted) ? wanted : rated(layer, "people") || !rated(layer, "elderly") ? "people" : "elderly";
}
const started = [];
/* `begin` runs when the map is drawn, at the end of the start. */
const onStart = (begin) => started.push(begin);

function element(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined && text !== null) node.textContent = called(text);
  return node;
}
function add(parent, ...children) {
  for (const child of children) if (child) parent.appendChild(child);
  return parent;
}
const words = say, t = say;
const known = (value) => value !== null && value !== undefined;
const count = (value) =>
  known(value) ? Math.round(value).toLocaleString(language === "zh" ? "zh-CN" : "en") : "–";
const percent = (share) => (known(share) ? (Math.floor(share * 1000 + 1e-6) / 10).toFixed(1) + "%" : t("no_data"));
const figure = (value) => (known(value) ? String(Math.round(value * 100) / 100) : "");
const brackets = (text) => (language === "zh" ? "（" + text + "）" : " (" + text + ")");
const bdi = (text, className) => element("bdi", className, text);

function steps(flat) {
  const points = new Array(flat.length / 2);
  let x = 0, y = 0;
  for (let i = 0; i < points.length; i++) {
    x += flat[2 * i];
    y += flat[2 * i + 1];
    points[i] = [y / SCALE, x / SCALE];
  }
  return points;
}
const rings = (shape) => shape.map((polygon) => polygon.map(steps));
function renderer(kind) {
  if (!renderers[kind]) {
    const pane = map.createPane("sc-" + kind);
    pane.style.zIndex = PANES[kind];
    pane.style.pointerEvents = "none";
    renderers[kind] = L.canvas({ pane: "sc-" + kind, padding: 0.2 });
  }
  return renderers[kind];
}
const drawn = (kind, style) => Object.assign(
  { pane: "sc-" + kind, renderer: renderer(kind), interactive: false, smoothFactor: 0.8 }, style);

/* A canvas marker with a letter: a letter tells layers apart where colours do not. */
const Marker = L.CircleMarker.extend({
  _updatePath() {
    this._renderer._updateCircle(this);
    const letter = this.options.letter;
    if (!letter || !this._renderer._drawing || this._empty() || this._radius < 7) return;
    const context = this._renderer._ctx;
    context.fillStyle = this.options.letterColour;
    context.globalAlpha = 1;
    context.font = "bold " + Math.round(this._radius * 1.25) + "px sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(letter, this._point.x, this._point.y + 0.5);
  },
});
let hatching;
function hatch() {
  if (hatching) return hatching;
  const tile = document.createElement("canvas");
  tile.width = tile.height = 8;
  const context = tile.getContext("2d");
  context.fillStyle = "#eceef0";
  context.fillRect(0, 0, 8, 8);
  context.strokeStyle = "#a9afb7";
  context.lineWidth = 1.2;
  context.beginPath();
  for (const offset of [-8, 0, 8]) { context.moveTo(offset, 8); context.lineTo(offset + 8, 0); }
  context.stroke();
  return (hatching = context.createPattern(tile, "repeat"));
}
