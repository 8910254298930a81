/* Folium's grouped layer control, moved into a panel: groups fold, a field filters them. */
const MANY_SERVICES = 8;
let open = 0, sought = "";
// What the reader folded or unfolded by hand stays so.
const foldedByHand = {};
let control;
function decorate(control) {
  const list = control._overlaysList, boxes = {};
  for (const box of [...list.querySelectorAll(".leaflet-control-layers-group")]) {
    const label = box.querySelector(".leaflet-control-layers-group-label");
    const part = label && label.querySelector("[data-service]").dataset.service;
    if (!part) continue;
    boxes[part] = box;
    box.dataset.part = part;
    for (const input of box.querySelectorAll("input")) {
      const group = groups.find((one) => L.stamp(one.layer) === input.layerId);
      input.nextSibling.textContent = called(group.title);
    }
    heading(box, label, part);
  }
  arrange(list, boxes);
  sift(list);
}
function heading(box, label, part) {
  const own = /^\d+$/.test(part), service = own ? Number(part) : part;
  const on = box.querySelectorAll("input:checked").length;
  const many = data.layers.length > MANY_SERVICES;
  const folded = service in foldedByHand ? foldedByHand[service] : own ? service !== open && !on : many && part === "base";
  box.classList.toggle("sc-folded", folded);
  box.classList.toggle("sc-current", service === open);
  box.classList.toggle("sc-counted", own && !data.layers[service].measured);
  const row = element("div", "sc-grouprow"), head = element("button", "sc-group");
  head.type = "button";
  const name = element("span", "sc-service");
  if (own) {
    const layer = data.layers[service];
    add(name, badge(layer), bdi(layer.title), layer.invented && element("span", "sc-tag", say("invented_short")));
    head.title = say("switch_to");
    head.setAttribute("aria-pressed", String(service === open));
    head.onclick = () => { delete foldedByHand[service]; switchTo(service); };
  } else {
    add(name, element("span", "", say(part)));
    head.setAttribute("aria-expanded", String(!folded));
    head.onclick = () => fold(service, !folded);
  }
  name.dataset.service = part;
  const arrow = element("button", "sc-fold", folded ? "▸" : "▾");
  arrow.type = "button";
  arrow.setAttribute("aria-expanded", String(!folded));
  arrow.setAttribute("aria-label", own ? called(data.layers[service].title) : say(part));
  arrow.onclick = () => fold(service, !folded);
  add(row, add(head, name), on && folded ? element("span", "sc-muted sc-on-count", String(on)) : null, arrow);
  label.replaceWith(row);
}
function fold(service, folded) {
  foldedByHand[service] = folded;
  refresh();
}
/* Sites first; with many services the base map before them and those that are only counted last. */
function arrange(list, boxes) {
  const many = data.layers.length > MANY_SERVICES;
  const order = Object.keys(boxes).filter((part) => /^\d+$/.test(part)).map(Number);
  const counted = order.filter((service) => !data.layers[service].measured);
  const measured = order.filter((service) => data.layers[service].measured);
  const parts = ["siting", ...(many ? ["base"] : []), ...measured, ...counted, "base"];
  const line = measured.length && counted.length > 1 && many;
  for (const part of new Set(parts.map(String))) {
    if (line && part === String(counted[0])) add(list, element("p", "sc-line", say("counted_only")));
    if (boxes[part]) add(list, boxes[part]);
  }
}
const plain = (text) => text.normalize("NFKC").toLocaleLowerCase();
function sift(list) {
  const wanted = plain(sought).split(/\s+/).filter(Boolean);
  let found = 0;
  for (const box of list.querySelectorAll("[data-part]")) {
    const layer = data.layers[box.dataset.part];
    const text = layer ? plain(Object.values(typeof layer.title === "string" ? [layer.title] : layer.title).join(" ")) : "";
    const here = !wanted.length || (layer && wanted.every((word) => text.includes(word)));
    box.hidden = !here;
    if (here) found += 1;
  }
  for (const line of list.querySelectorAll(".sc-line")) line.hidden = Boolean(wanted.length);
  const none = document.getElementById("sc-filter-none");
  if (none) none.hidden = found > 0;
}
/* A field over the list where it is long. */
function filterField(body) {
  if (data.layers.length <= MANY_SERVICES) return;
  const field = element("input", "sc-filter");
  field.type = "search";
  field.id = "sc-filter";
  const none = element("p", "sc-more", "");
  none.id = "sc-filter-none";
  none.hidden = true;
  onLanguage(() => {
    field.placeholder = say("filter");
    field.setAttribute("aria-label", say("filter"));
    none.textContent = say("filter_none");
  }, true);
  field.oninput = () => {
    sought = field.value;
    sift(control._overlaysList);
  };
  add(body, field, none);
}
/* What was shown of the service before is shown of this one; what that one had not, is kept in mind. */
let liked = new Set();
function switchTo(service) {
  const kind = (group) => group.kind + (group.level || "");
  const on = groups.filter((group) => group.service !== undefined && map.hasLayer(group.layer));
  const had = new Set(groups.filter((group) => group.service === open).map(kind));
  const wanted = new Set([...on.map(kind), ...[...liked].filter((one) => !had.has(one))]);
  if (!wanted.size) for (const group of groups) if (group.start) wanted.add(kind(group));
  liked = wanted;
  open = service;
  // The list is made anew once, not with each layer that comes or goes.
  control._handlingClick = true;
  for (const group of on) if (group.service !== service) map.removeLayer(group.layer);
  for (const group of groups) {
    if (group.service === service && wanted.has(kind(group))) map.addLayer(group.layer);
  }
  control._handlingClick = false;
  refresh();
}
function refresh() {
  if (control) control._update();
  legend();
}
function whenShown(group) {
  if (!group.filled) {
    group.filled = true;
    for (const layer of makers[group.kind](group)) group.layer.addLayer(layer);
  }
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

function focused(container) {
  const node = document.activeElement;
  if (!node || !container.contains(node)) return null;
  const { layerId } = node, part = (node.closest("[data-part]") || { dataset: {} }).dataset.part;
  const kind = node.className.split(" ")[0];
  return () => {
    const same = layerId
      ? [...container.querySelectorAll("input")].find((one) => one.layerId === layerId)
      : [...container.querySelectorAll('[data-part="' + part + '"] button')].find((one) => one.classList.contains(kind));
    if (same) same.focus({ preventScroll: true });
  };
}
/* The letters in the icons are those of the titles. */
onLanguage(() => {
  for (const group of groups) {
    if (group.kind !== "facilities" || !group.filled) continue;
    group.drawn = null;
    if (map.hasLayer(group.layer)) fitFacilities(group);
  }
});
const update = L.Control.GroupedLayers.prototype._update;
L.Control.GroupedLayers.include({
  _update() {
    control = this;
    if (!data) return update.call(this);
    // The list is made anew: whoever works it by keys must not lose the place.
    const place = focused(this._container);
    update.call(this);
    decorate(this);
    if (place) place();
  },
  _expand() { L.DomUtil.addClass(this._container, "leaflet-control-layers-expanded"); },
});
