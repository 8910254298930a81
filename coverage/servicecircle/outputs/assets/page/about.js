/* What the page says of itself: title bar, banner, the panel about method and provenance. */
function titleBar() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  const line = document.getElementById("sc-facts");
  line.textContent = "";
  add(line, element("span", "", say("as_of", { date: data.as_of })), element("span", "sc-what", " · " + say("title")));
  const sites = document.getElementById("sc-banner-sites");
  if (sites) sites.textContent = [say("with_sites"), ...data.siting.said.slice(0, 2).map(called)].join(" ");
  const banner = document.getElementById("sc-banner");
  if (!banner) return;
  banner.textContent = "⚠ " + say(data.about.invented === "all" ? "banner_all" : "banner_some");
  if (data.about.invented === "all") return;
  data.layers.filter((layer) => layer.invented).forEach((layer, i) => add(banner, i ? document.createTextNode(language === "zh" ? "、" : ", ") : null, bdi(layer.title)));
}
function about() {
  const body = document.getElementById("sc-about-body");
  const keys = document.getElementById("sc-about-keys") || element("div");
  keys.id = "sc-about-keys";
  const unfolded = new Set([...body.querySelectorAll("details[open]")].map((one) => one.dataset.number));
  body.textContent = "";
  const list = element("dl", "sc-facts");
  for (const [name, value] of facts()) add(list, element("dt", "", name), add(element("dd"), bdi(value)));
  add(body, list);
  for (const key of ["travel", "unreached", "crs", data.tiles ? "tiles" : "offline"]) {
    const name = data.tiles ? called(data.tiles.name) : "";
    add(body, element("p", "", say("note_" + key, { crs: called(data.about.crs), name })));
  }
  const rules = element("ul", "sc-rules");
  for (const layer of data.layers) {
    add(rules, add(element("li"), badge(layer), bdi(layer.title), layer.invented && tag(), element("small", "", layer.rule)));
  }
  if (data.layers.length) add(body, folding("rules", say("rules"), rules, data.layers.length <= 6 || unfolded.has("rules")));
  data.about.sections[language].forEach(([title, rows], number) => {
    const table = element("table", "sc-method");
    for (const [item, value, more] of rows) {
      const cell = add(element("td"), bdi(value));
      if (more) add(cell, add(element("small"), bdi(more)));
      add(table, add(element("tr"), add(element("th"), bdi(item)), cell));
    }
    add(body, folding(number, title, table, unfolded.has(String(number))));
  });
  add(body, keys, element("p", "sc-more", say("note_made")));
}
function folding(number, title, content, unfolded) {
  const box = element("details");
  box.dataset.number = number;
  box.open = unfolded;
  return add(box, element("summary", "", title), content);
}
/* The few lines that say whose numbers these are; also under the printed map. */
function facts() {
  const { people, crs, credits, version } = data.about;
  const rows = [[say("people_label"), called(people)], [say("crs_label"), called(crs)], [say("credits_label"), credits.join("; ")]];
  rows.push([say("made_label"), ("servicecircle " + version).trim()]);
  return rows.filter((row) => row[1]);
}
