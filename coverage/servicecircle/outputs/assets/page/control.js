/* Folium's grouped layer control, moved into a panel, with groups that fold. */
let open = 0;
function decorate(control) {
  control._overlaysList.querySelectorAll(".leaflet-control-layers-group").forEach((box) => {
    const label = box.querySelector(".leaflet-control-layers-group-label");
    const name = box.querySelector("[data-service]");
    if (!label || !name) return;
    const service = name.dataset.service === "base" ? "base" : Number(name.dataset.service);
    const folded = service !== "base" && service !== open && !box.querySelector("input:checked");
    box.classList.toggle("sc-folded", folded);
    box.classList.toggle("sc-current", service === open);
    if (service === "base") return;
    const head = element("button", "sc-group");
    head.type = "button";
    head.title = t("switch_to");
    head.setAttribute("aria-expanded", String(!folded));
    while (label.firstChild) head.appendChild(label.firstChild);
    label.replaceWith(head);
    head.onclick = () => switchTo(service);
  });
}
function switchTo(service) {
  open = service;
  const on = groups.filter((group) => group.service !== undefined && map.hasLayer(group.layer));
  const wanted = new Set(on.map((group) => group.kind + (group.level || "")));
  if (!wanted.size) for (const group of groups) if (group.start) wanted.add(group.kind + (group.level || ""));
  for (const group of on) if (group.service !== service) map.removeLayer(group.layer);
  for (const group of groups) {
    if (group.service === service && wanted.has(group.kind + (group.level || ""))) map.addLayer(group.layer);
  }
  refresh();
}
let control;
function refresh() {
  if (control) control._update();
  legend();
}
function whenShown(group) {
  if (!group.filled) {
    group.filled = true;
    for (const layer of makers[group.kind](group)) group.layer.addLayer(layer);
  }
  if (group.kind === "facilities") resize(group);
  if (group.kind === "names") fitNames(group);
  if (!shades(group)) return;
  // Two shadings over each other say nothing: the newer one stays. After the control's own loop.
  setTimeout(() => {
    let changed = false;
    for (const other of groups) {
      if (other !== group && shades(other) && map.hasLayer(other.layer) && map.hasLayer(group.layer)) {
        map.removeLayer(other.layer);
        changed = true;
      }
    }
    if (changed) refresh();
  }, 0);
}
const shades = (group) => group.kind === "shade" || group.kind === "sited";
function resize(group) {
  const radius = markerRadius(data.layers[group.service].facilities.names.length);
  group.layer.eachLayer((marker) => { if (marker.getRadius() !== radius) marker.setRadius(radius); });
}
function fitNames(group) {
  const taken = [];
  group.layer.eachLayer((label) => {
    const node = label.getElement();
    if (!node) return;
    const { box } = label.sc;
    const corner = map.latLngToLayerPoint(box.getNorthWest()), other = map.latLngToLayerPoint(box.getSouthEast());
    const middle = map.latLngToLayerPoint(box.getCenter());
    const half = node.offsetWidth / 2;
    const hit = taken.some(([x, y, w]) => Math.abs(x - middle.x) < w + half + 2 && Math.abs(y - middle.y) < 16);
    const fits = other.x - corner.x > node.offsetWidth * 0.75 && !hit;
    node.style.visibility = fits ? "visible" : "hidden";
    if (fits) taken.push([middle.x, middle.y, half]);
  });
}

const update = L.Control.GroupedLayers.prototype._update;
L.Control.GroupedLayers.include({
  _update() {
    control = this;
    update.call(this);
    if (data) decorate(this);
  },
  _expand() { L.DomUtil.addClass(this._container, "leaflet-control-layers-expanded"); },
});
