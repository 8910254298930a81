/* The view as the part of the address after #: place, layers, card and language. */
let writing = 0, restoring = true, lastWritten = "";
const groupKey = (group) =>
  [group.service === undefined ? "" : data.cards.layers[group.service], group.kind, group.moment, group.level].filter(Boolean).join(".");

function viewText() {
  const middle = map.getCenter();
  const parts = ["map=" + [Math.round(map.getZoom() * 100) / 100, middle.lat.toFixed(5), middle.lng.toFixed(5)].join("/")];
  parts.push("layers=" + groups.filter((group) => map.hasLayer(group.layer)).map((group) => encodeURIComponent(groupKey(group))).join(","));
  if (opened && opened.kind === "unit") parts.push("unit=" + encodeURIComponent(unitKey(opened.unit)));
  if (opened && opened.kind === "facility") parts.push("facility=" + encodeURIComponent(facilityKey(opened.service, opened.facility)));
  parts.push("lang=" + language);
  return parts.join("&");
}
function viewChanged() {
  if (restoring) return;
  clearTimeout(writing);
  writing = setTimeout(writeView, 200);
}
function writeView() {
  const text = viewText();
  if (text === lastWritten) return;
  lastWritten = text;
  // Some viewers forbid it to pages from disk; the button still tells the link.
  try { history.replaceState(null, "", "#" + text); } catch (error) { lastWritten = ""; }
}
/* Whatever is not understood is left out: an address may come from anybody. */
function readView(text) {
  const view = {};
  for (const part of text.replace(/^#/, "").slice(0, 20000).split("&")) {
    const at = part.indexOf("=");
    if (at < 1) continue;
    const key = part.slice(0, at), value = part.slice(at + 1);
    try {
      if (key === "map") {
        const numbers = value.split("/").map((one) => (/^-?\d{1,3}(\.\d{1,10})?$/.test(one) ? Number(one) : NaN));
        const [zoom, lat, lon] = numbers;
        if (numbers.length === 3 && zoom >= 3 && zoom <= 18 && Math.abs(lat) <= 85 && Math.abs(lon) <= 180) view.map = { zoom, lat, lon };
      } else if (key === "layers") {
        const keys = new Set(value.split(",").map(decodeURIComponent));
        const named = groups.filter((group) => keys.has(groupKey(group)));
        if (named.length || value === "") view.layers = new Set(named);
      } else if (key === "unit") {
        const wanted = decodeURIComponent(value);
        for (let unit = 0; unit < unitCount() && !view.card; unit++) {
          if (unitKey(unit) === wanted) view.card = { kind: "unit", unit };
        }
      } else if (key === "facility") {
        const wanted = decodeURIComponent(value);
        data.cards.facilities.layers.forEach((layer, service) => layer.ids.forEach((_, facility) => {
          if (!view.card && facilityKey(service, facility) === wanted) view.card = { kind: "facility", service, facility };
        }));
      } else if (key === "lang" && (value === "zh" || value === "en")) {
        view.lang = value;
      }
    } catch (error) {
      if (!(error instanceof URIError)) throw error;
    }
  }
  return view;
}
function restore(text) {
  const view = readView(text);
  restoring = true;
  try {
    if (view.lang) speak(view.lang);
    if (view.layers) {
      for (const group of groups) if (!view.layers.has(group) && map.hasLayer(group.layer)) map.removeLayer(group.layer);
      for (const group of view.layers) if (!map.hasLayer(group.layer)) map.addLayer(group.layer);
      refresh();
    }
    if (view.map) map.setView([view.map.lat, view.map.lon], view.map.zoom, { animate: false });
    if (view.card) openCard(view.card, { back: false, go: !view.map });
    else if (view.map || view.layers) showPanel("sc-card", false);
  } finally {
    restoring = false;
  }
  return view;
}
async function copyView(button) {
  writeView();
  const link = location.href.split("#")[0] + "#" + viewText();
  let done = false;
  try {
    await navigator.clipboard.writeText(link);
    done = true;
  } catch (error) {
    done = false;
  }
  const told = document.getElementById("sc-shared");
  told.textContent = "";
  if (done) {
    add(told, element("span", "", say("share_done")));
    setTimeout(() => { told.hidden = true; }, 4000);
  } else {
    // No clipboard for pages from disk in some browsers: the link is laid out to be copied by hand.
    const field = element("input", "");
    Object.assign(field, { value: link, readOnly: true });
    field.setAttribute("aria-label", say("share_by_hand"));
    const close = element("button", "sc-close", "×");
    close.type = "button";
    close.setAttribute("aria-label", say("close"));
    close.onclick = () => { told.hidden = true; button.focus(); };
    add(told, element("span", "", say("share_by_hand")), field, close);
    setTimeout(() => { field.focus(); field.select(); }, 0);
  }
  told.hidden = false;
}
onStart(() => {
  const told = element("div", "sc-shared");
  told.id = "sc-shared";
  told.hidden = true;
  told.setAttribute("role", "status");
  document.querySelector(".sc-main").appendChild(told);
  const button = toolButton("sc-share", "share", "share", () => copyView(button));
  map.on("moveend zoomend overlayadd overlayremove layeradd layerremove", viewChanged);
  onLanguage(viewChanged);
  window.addEventListener("hashchange", () => {
    if (location.hash.slice(1) !== lastWritten) restore(location.hash);
  });
  restore(location.hash);
});
