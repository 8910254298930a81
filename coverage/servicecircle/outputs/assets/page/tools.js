/* Tools of the page: language, print, full screen. */
function toolButton(id, key, icon, act) {
  const button = element("button", "sc-tool");
  button.type = "button";
  button.id = id;
  button.dataset.sayTitle = key;
  button.onclick = act;
  add(button, add(element("span", "sc-icon sc-icon-" + icon)));
  button.firstChild.setAttribute("aria-hidden", "true");
  const icons = add(document.getElementById("sc-icons"), button);
  relabel(icons);
  return icons.lastChild;
}
function tools() {
  toolButton("sc-print", "print", "print", () => window.print());
  const page = document.documentElement;
  if (page.requestFullscreen) {
    const full = toolButton("sc-full", "full", "full", () =>
      (document.fullscreenElement ? document.exitFullscreen() : page.requestFullscreen()).catch(() => {}));
    document.addEventListener("fullscreenchange", () => {
      full.dataset.sayTitle = document.fullscreenElement ? "full_exit" : "full";
      full.setAttribute("aria-pressed", String(Boolean(document.fullscreenElement)));
      relabel(full.parentNode);
    });
  }
  const tongue = toolButton("sc-language", "language_tip", "language", () => speak(language === "zh" ? "en" : "zh"));
  const name = element("span", "", say("language"));
  name.dataset.say = "language";
  tongue.firstChild.replaceWith(name);
  onLanguage(() => { tongue.lang = name.lang = language === "zh" ? "en" : "zh-CN"; }, true);
}
/* On paper: the map with its legend, scorecard and sources on one A4 page across. */
let beforePaper = null;
function beforePrint() {
  if (beforePaper) return;
  // What the panels lie over is not what was looked at.
  const { left, right } = beside(), { x, y } = map.getSize();
  const shown = L.latLngBounds(map.containerPointToLatLng([left, 0]), map.containerPointToLatLng([x - right, above(y)]));
  beforePaper = { centre: map.getCenter(), zoom: map.getZoom(), retina: L.Browser.retina };
  document.documentElement.classList.add("sc-printing");
  const sheet = add(document.querySelector(".sc-main"), element("aside", data.about.invented === "all" ? "sc-sheet sc-all-invented" : "sc-sheet")).lastChild;
  const side = add(sheet, element("div", "sc-side")).lastChild;
  const key = add(side, element("div", "sc-print-legend")).lastChild;
  legendInto(key);
  if (key.childNodes.length) side.insertBefore(element("h2", "", say("legend")), key);
  fitLegend(side, key);
  const foot = add(sheet, element("p", "sc-foot")).lastChild;
  for (const [name, value] of facts()) add(foot, add(element("span"), element("b", "", name + (language === "zh" ? "：" : ": ")), bdi(value)));
  add(foot, element("span", "", say("note_travel")));
  headlines(side);
  // Twice the dots: a canvas is printed as the picture that it is.
  L.Browser.retina = true;
  map.invalidateSize({ animate: false, pan: false });
  map.fitBounds(shown, { animate: false });
  for (const group of groups) if (group.kind === "names" && group.filled) fitNames(group);
  paper();
}
/* On a phone a panel lies over the lower part of the map. */
function above(height) {
  if (!narrow()) return height;
  const top = map.getContainer().getBoundingClientRect().top;
  const tops = [...document.querySelectorAll(".sc-panel:not([hidden])")].map((one) => one.getBoundingClientRect().top - top);
  return Math.max(40, Math.min(height, ...tops));
}
/* A long legend in two columns; what still finds no room is counted, not cut through. */
function fitLegend(side, key) {
  const full = () => side.scrollHeight > side.clientHeight;
  if (!full()) return;
  key.classList.add("sc-tight");
  const blocks = [...key.children], more = add(side, element("p", "sc-more")).lastChild;
  for (let left = 1; full() && blocks.length > 1; left++) {
    blocks.pop().remove();
    more.textContent = say("print_legend_more", { count: count(left) });
  }
}
/* One picture of all canvases: printed one over the other, each would wipe out those below it. */
function paper() {
  const box = map.getContainer(), { left, top, width, height } = box.getBoundingClientRect();
  const canvas = element("canvas", "sc-paper"), context = canvas.getContext("2d");
  canvas.width = 2 * width;
  canvas.height = 2 * height;
  canvas.style.width = width + "px";
  canvas.style.height = height + "px";
  context.scale(2, 2);
  const depth = (node) => Number(getComputedStyle(node.closest(".leaflet-pane")).zIndex) || 0;
  const drawings = [...box.querySelectorAll(".leaflet-pane canvas, img.leaflet-tile-loaded")];
  for (const node of drawings.sort((a, b) => depth(a) - depth(b))) {
    const at = node.getBoundingClientRect();
    // Shading lets online tiles through: its pane is paler than its canvas.
    context.globalAlpha = Number(getComputedStyle(node.closest(".leaflet-pane")).opacity);
    if (at.width && (node.width || node.naturalWidth)) context.drawImage(node, at.left - left, at.top - top, at.width, at.height);
  }
  add(box, canvas);
}
function afterPrint() {
  if (!beforePaper) return;
  const { centre, zoom, retina } = beforePaper;
  beforePaper = null;
  document.documentElement.classList.remove("sc-printing");
  document.querySelector(".sc-sheet").remove();
  document.querySelector(".sc-paper").remove();
  L.Browser.retina = retina;
  map.invalidateSize({ animate: false, pan: false });
  map.setView(centre, zoom, { animate: false, reset: true });
}
/* As many main targets as there is room for, those that are not met first. */
function headlines(side) {
  const rows = data.scorecard.filter((row) => row.headline && SHOWN_FIRST.includes(row.verdict));
  if (!rows.length) return;
  rows.sort((a, b) => SHOWN_FIRST.indexOf(a.verdict) - SHOWN_FIRST.indexOf(b.verdict));
  const pills = element("p", "sc-pills");
  tally(pills);
  const list = element("tbody"), more = element("p", "sc-more");
  const part = add(element("div", "sc-print-score"), element("h2", "", say("print_headline")), pills, add(element("table", "sc-score"), list), more);
  add(side, part);
  if (side.scrollHeight > side.clientHeight) return part.remove();
  let shown = 0;
  for (const row of rows) {
    const line = scoreRow(row);
    add(list, line);
    more.textContent = say("print_more", { count: count(rows.length - shown - 1) });
    if (side.scrollHeight > side.clientHeight) {
      line.remove();
      break;
    }
    shown += 1;
  }
  more.textContent = shown < rows.length ? say("print_more", { count: count(rows.length - shown) }) : "";
}
function printing() {
  window.addEventListener("beforeprint", beforePrint);
  window.addEventListener("afterprint", afterPrint);
  // Where a browser shows the printed page without telling of it before.
  window.matchMedia("print").addEventListener("change", (event) => (event.matches ? beforePrint : afterPrint)());
}
