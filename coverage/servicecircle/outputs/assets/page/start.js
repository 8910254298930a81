/* Panels, buttons, unpacking and the start. */
const narrow = () => window.matchMedia("(max-width: 720px)").matches;
function showPanel(id, visible) {
  const panel = document.getElementById(id);
  // On a phone one panel at a time.
  if (narrow() && visible) for (const other of document.querySelectorAll(".sc-panel")) if (other !== panel) showPanel(other.id, false);
  panel.hidden = !visible;
  if (visible) raise(panel);
  for (const button of document.querySelectorAll('[aria-controls="' + id + '"]')) button.setAttribute("aria-expanded", String(visible));
}
/* The one opened last lies over the others. */
let topmost = 1010;
function raise(panel) {
  panel.style.zIndex = ++topmost;
}
/* Closes the topmost panel; true if there was one. */
function closePanel() {
  const shown = [...document.querySelectorAll(".sc-panel:not([hidden])")].sort((a, b) => a.style.zIndex - b.style.zIndex);
  if (!shown.length) return false;
  const panel = shown.pop(), button = document.querySelector('[aria-controls="' + panel.id + '"]');
  showPanel(panel.id, false);
  if (button) button.focus({ preventScroll: true });
  return true;
}
/* A panel like those of the page, closed; returns its body. */
function panel(id, key) {
  const box = element("section", "sc-panel"), title = element("h2"), close = element("button", "sc-close", "×");
  box.id = id;
  box.hidden = true;
  title.id = id + "-title";
  title.dataset.say = key;
  box.setAttribute("aria-labelledby", title.id);
  close.type = "button";
  close.dataset.sayTitle = "close";
  close.onclick = () => showPanel(id, false);
  const body = element("div", "sc-body");
  body.id = id + "-body";
  add(document.querySelector(".sc-main"), add(box, add(element("header"), title, close), body));
  if (data) relabel(box);
  return body;
}
function panels() {
  for (const button of document.querySelectorAll("[aria-controls]")) {
    const id = button.getAttribute("aria-controls");
    button.onclick = () => showPanel(id, document.getElementById(id).hidden);
  }
  for (const button of document.querySelectorAll(".sc-close")) {
    button.onclick = () => showPanel(button.closest(".sc-panel").id, false);
  }
  for (const id of ["sc-layers", "sc-legend", "sc-scorecard", "sc-about"]) {
    showPanel(id, !narrow() && (id === "sc-layers" || id === "sc-legend"));
  }
}
async function unpack() {
  const node = document.getElementById("sc-payload");
  if (node.dataset.packing === "plain") return JSON.parse(node.textContent);
  if (typeof DecompressionStream === "undefined") throw new Error(node.dataset.old);
  const text = atob(node.textContent.trim());
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}
function mapButtons() {
  const Home = L.Control.extend({
    options: { position: "bottomright" },
    onAdd() {
      const bar = L.DomUtil.create("div", "leaflet-bar sc-home");
      const button = add(bar, element("button", "", "⤢")).firstChild;
      button.type = "button";
      button.dataset.sayTitle = "home";
      L.DomEvent.disableClickPropagation(bar);
      button.onclick = () => fit(data.bounds);
      return bar;
    },
  });
  map.addControl(L.control.scale({ position: "bottomright", imperial: false }));
  map.addControl(new Home());
  for (const way of ["in", "out"]) {
    const button = map.getContainer().querySelector(".leaflet-control-zoom-" + way);
    if (button) button.dataset.sayTitle = "zoom_" + way;
  }
}
/* What the open panels take of the map's width, where there is room beside them. */
function beside() {
  const { x } = map.getSize(), shown = (id) => x > 1000 && !document.getElementById(id).hidden;
  return { left: shown("sc-legend") ? Math.min(335, x * 0.26) : 10, right: shown("sc-layers") ? 272 : 10 };
}
/* An area, beside the open panels. */
function fit(bounds) {
  if (!bounds) return;
  const { left, right } = beside();
  map.fitBounds(bounds, { paddingTopLeft: [left, 10], paddingBottomRight: [right, 10], animate: false });
}
async function start(theMap, entries) {
  map = theMap;
  map.getContainer().setAttribute("role", "application");
  try {
    data = await unpack();
    groups = entries.map(([layer, info]) => Object.assign({ layer, start: map.hasLayer(layer) }, info));
    for (const kind of Object.keys(PANES)) renderer(kind);
    open = (groups.find((group) => group.start && group.service !== undefined) || { service: 0 }).service;
    panels();
    const body = document.getElementById("sc-layers-body");
    filterField(body);
    body.appendChild(control._container);
    mapButtons();
    tools();
    printing();
    fit(data.opening || data.bounds);
    for (const group of groups) {
      group.layer.on("add", () => whenShown(group));
      if (group.start) whenShown(group);
    }
    map.on("overlayadd overlayremove", () => setTimeout(legend, 0));
    map.on("zoomend", () => {
      for (const group of groups) {
        if (!group.filled || !map.hasLayer(group.layer)) continue;
        if (group.kind === "sites") group.layer.eachLayer((marker) => marker.setRadius(siteRadius()));
        if (group.kind === "names") fitNames(group);
        if (group.kind === "roads" || group.kind === "borders") {
          group.layer.eachLayer((line) => line.setStyle(line.sc.style()));
        }
      }
    });
    const speakUp = [() => relabel(document), titleBar, refresh, scorecard, about];
    for (const redraw of speakUp) redraw();
    // Before those that other parts have registered.
    said.unshift(...speakUp);
    listen();
    for (const begin of started) begin();
    document.body.dataset.ready = "yes";
  } catch (error) {
    const node = document.getElementById("sc-payload");
    const notice = element("p", "sc-failed", node.dataset.broken + error.message);
    document.body.appendChild(notice);
    document.body.dataset.ready = "failed";
    throw error;
  }
}
