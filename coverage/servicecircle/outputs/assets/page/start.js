/* Panels, buttons, unpacking and the start. */
function panels() {
  const narrow = window.matchMedia("(max-width: 720px)").matches;
  const show = (id, visible) => {
    const panel = document.getElementById(id), button = document.querySelector('[aria-controls="' + id + '"]');
    panel.hidden = !visible;
    if (button) button.setAttribute("aria-expanded", String(visible));
  };
  document.querySelectorAll("[aria-controls]").forEach((button) => {
    button.onclick = () => {
      const id = button.getAttribute("aria-controls");
      const visible = document.getElementById(id).hidden;
      // On a phone one panel at a time.
      if (narrow && visible) document.querySelectorAll(".sc-panel").forEach((panel) => show(panel.id, false));
      show(id, visible);
    };
  });
  document.querySelectorAll(".sc-close").forEach((button) => {
    button.onclick = () => show(button.closest(".sc-panel").id, false);
  });
  show("sc-layers", !narrow);
  show("sc-legend", !narrow);
  show("sc-scorecard", false);
  show("sc-about", false);
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
      button.title = t("home");
      button.setAttribute("aria-label", t("home"));
      L.DomEvent.disableClickPropagation(bar);
      button.onclick = fit;
      return bar;
    },
  });
  map.addControl(L.control.scale({ position: "bottomright", imperial: false }));
  map.addControl(new Home());
}
/* The whole area, beside the open panels where there is room beside them. */
function fit() {
  if (!data.bounds) return;
  const wide = map.getSize().x > 1000;
  map.fitBounds(data.bounds, {
    paddingTopLeft: [wide ? 120 : 10, 10], paddingBottomRight: [wide ? 272 : 10, 10], animate: false,
  });
}
async function start(theMap, entries) {
  map = theMap;
  map.getContainer().setAttribute("role", "application");
  try {
    data = await unpack();
    measure = rated("people") || !rated("elderly") ? "people" : "elderly";
    groups = entries.map(([layer, info]) => Object.assign({ layer, start: map.hasLayer(layer) }, info));
    for (const kind of Object.keys(PANES)) renderer(kind);
    panels();
    document.getElementById("sc-layers-body").appendChild(control._container);
    mapButtons();
    fit();
    for (const group of groups) {
      group.layer.on("add", () => whenShown(group));
      if (group.start) whenShown(group);
    }
    map.on("overlayadd overlayremove", () => setTimeout(legend, 0));
    map.on("zoomend", () => {
      for (const group of groups) {
        if (!group.filled || !map.hasLayer(group.layer)) continue;
        if (group.kind === "facilities") resize(group);
        if (group.kind === "sites") group.layer.eachLayer((marker) => marker.setRadius(siteRadius()));
        if (group.kind === "names") fitNames(group);
        if (group.kind === "roads" || group.kind === "borders") {
          group.layer.eachLayer((line) => line.setStyle(line.sc.style()));
        }
      }
    });
    refresh();
    scorecard();
    listen();
    document.body.dataset.ready = "yes";
  } catch (error) {
    const node = document.getElementById("sc-payload");
    const notice = element("p", "sc-failed", node.dataset.broken + error.message);
    document.body.appendChild(notice);
    document.body.dataset.ready = "failed";
    throw error;
  }
}
