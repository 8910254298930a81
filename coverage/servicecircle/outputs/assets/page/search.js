/* Search of units and facilities by name: a combobox with a list. */
const MOST_FOUND = 40;
const searchText = (text) => text.normalize("NFKC").toLowerCase().replace(/\s+/g, " ").trim();
let searchNames = null, searchField, searchList, searchHits = [], searchAt = -1, searchStatus;

/* Made at the first key: names folded once, so that each further key only compares. */
function searchIndex() {
  if (searchNames) return searchNames;
  searchNames = [];
  data.levels.forEach((level, depth) => level.names.forEach((name, i) => {
    const id = data.cards.levels[depth].ids[i];
    searchNames.push({ name: searchText(name || id), code: searchText(id), what: { kind: "unit", unit: data.cards.starts[depth] + i } });
  }));
  data.layers.forEach((layer, service) => layer.facilities.names.forEach((name, facility) => {
    if (name) searchNames.push({ name: searchText(name), code: "", what: { kind: "facility", service, facility } });
  }));
  return searchNames;
}
/* Whole names first, then those that begin so, then those that hold every part of what was typed. */
function search(text) {
  const wanted = searchText(text);
  if (!wanted) return [];
  const parts = wanted.split(" ");
  const ranked = [[], [], [], []];
  for (const one of searchIndex()) {
    if (one.name === wanted || one.code === wanted) ranked[0].push(one);
    else if (one.name.startsWith(wanted)) ranked[1].push(one);
    else if (one.name.includes(wanted)) ranked[2].push(one);
    else if (parts.length > 1 && parts.every((part) => one.name.includes(part))) ranked[3].push(one);
  }
  return ranked.flat();
}
function lookUp() {
  searchHits = search(searchField.value);
  searchAt = -1;
  searchList.textContent = "";
  searchField.removeAttribute("aria-activedescendant");
  const asked = searchField.value.trim() !== "";
  unfold(asked);
  searchStatus.textContent = !asked ? "" : searchHits.length ? say("search_found", { count: count(searchHits.length) })
    : say("search_none", { text: searchField.value.trim().slice(0, 60) });
  if (!asked) return;
  searchHits.slice(0, MOST_FOUND).forEach((hit, n) => add(searchList, optionOf(hit, n)));
  if (searchHits.length > MOST_FOUND) add(searchList, searchNote(say("search_more", { count: count(searchHits.length - MOST_FOUND) })));
  if (!searchHits.length) add(searchList, searchNote(searchStatus.textContent));
  if (searchHits.length) choose(0);
}
function searchNote(text) {
  const line = add(element("li", "sc-found-note"), bdi(text));
  line.setAttribute("role", "presentation");
  return line;
}
function optionOf(hit, n) {
  const line = element("li", "sc-found");
  line.id = "sc-found-" + n;
  line.setAttribute("role", "option");
  line.setAttribute("aria-selected", "false");
  const text = element("span", "sc-found-text");
  if (hit.what.kind === "unit") {
    const { level, told, i } = unitAt(hit.what.unit);
    add(text, bdi(unitName(hit.what.unit)));
    add(text, add(element("small"), element("span", "", called(level.title) + (told.above[i] ? " · " : "")), told.above[i] ? bdi(told.above[i]) : null));
    add(line, element("span", "sc-found-mark", "▱"), text);
  } else {
    const { service, facility } = hit.what, layer = data.layers[service];
    const address = layer.facilities.addresses[facility];
    add(text, bdi(facilityName(service, facility)));
    add(text, add(element("small"), bdi(layer.title), address ? element("span", "", " · ") : null, address ? bdi(address) : null));
    add(line, badge(layer), text);
  }
  line.onpointerdown = (event) => event.preventDefault();
  line.onclick = () => take(n);
  return line;
}
function choose(n) {
  const before = searchList.children[searchAt];
  if (before) before.setAttribute("aria-selected", "false");
  searchAt = n;
  const line = searchList.children[n];
  line.setAttribute("aria-selected", "true");
  line.scrollIntoView({ block: "nearest" });
  searchField.setAttribute("aria-activedescendant", line.id);
}
function take(n) {
  const hit = searchHits[n];
  if (!hit) return;
  unfold(false);
  searchField.blur();
  earlier.length = 0;
  openCard(hit.what, { back: false, focus: true, go: true });
  cameFrom = searchField;
}
function unfold(visible) {
  searchList.hidden = !visible;
  searchField.setAttribute("aria-expanded", String(visible));
}
onStart(() => {
  const slot = document.getElementById("sc-find");
  searchField = element("input", "sc-search");
  searchList = element("ul", "sc-found-list");
  searchStatus = element("div", "sc-unseen");
  Object.assign(searchField, { type: "search", id: "sc-search", autocomplete: "off", spellcheck: false, maxLength: 200 });
  for (const [name, value] of [["role", "combobox"], ["aria-expanded", "false"], ["aria-controls", "sc-found"],
    ["aria-autocomplete", "list"], ["aria-keyshortcuts", "/"]]) searchField.setAttribute(name, value);
  searchList.id = "sc-found";
  searchList.setAttribute("role", "listbox");
  searchStatus.setAttribute("role", "status");
  searchList.hidden = true;
  add(slot, searchField, searchList, searchStatus);
  searchField.oninput = lookUp;
  searchField.onfocus = () => {
    if (!searchField.value.trim()) return;
    lookUp();
    // After the click that gave the focus, which would take the selection away again.
    setTimeout(() => searchField.select(), 0);
  };
  searchField.onblur = () => unfold(false);
  searchField.onkeydown = (event) => {
    if (event.isComposing) return;
    const many = Math.min(searchHits.length, MOST_FOUND);
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (searchList.hidden) lookUp();
      else if (many) choose((searchAt + (event.key === "ArrowDown" ? 1 : many - 1)) % many);
    } else if (event.key === "Enter" && !searchList.hidden && searchAt >= 0) {
      take(searchAt);
    } else if (event.key === "Escape" && (!searchList.hidden || searchField.value)) {
      if (searchList.hidden) searchField.value = "";
      unfold(false);
      event.stopPropagation();
    } else {
      return;
    }
    event.preventDefault();
  };
  onLanguage(() => {
    searchField.placeholder = say("search_hint");
    searchField.setAttribute("aria-label", say("search"));
    searchList.setAttribute("aria-label", say("search_list"));
    unfold(false);
  }, true);
});
