/* What lies beneath the services: water and barriers as given, and online tiles where asked for. */
Object.assign(PANES, { tiles: 378, water: 382, barriers: 383 });
/* The offset of GCJ-02 at a place, in degrees: the published formula, as in datums.py. */
function gcjOffset(lat, lon) {
  const x = lon - 105, y = lat - 35, pi = Math.PI, root = Math.sqrt(Math.abs(x));
  const wave = ((20 * Math.sin(6 * x * pi) + 20 * Math.sin(2 * x * pi)) * 2) / 3;
  const north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + wave
    + ((20 * Math.sin(y * pi) + 40 * Math.sin((y / 3) * pi)) * 2) / 3
    + ((160 * Math.sin((y / 12) * pi) + 320 * Math.sin((y * pi) / 30)) * 2) / 3;
  const east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + wave
    + ((20 * Math.sin(x * pi) + 40 * Math.sin((x / 3) * pi)) * 2) / 3
    + ((150 * Math.sin((x / 12) * pi) + 300 * Math.sin((x / 30) * pi)) * 2) / 3;
  const axis = 6378245, eccentricity = 0.00669342162296594323, phi = (lat * pi) / 180;
  const magic = 1 - eccentricity * Math.sin(phi) ** 2, bend = Math.sqrt(magic);
  return [
    ((north * 180) / pi) / ((axis * (1 - eccentricity)) / (magic * bend)),
    ((east * 180) / pi) / ((axis / bend) * Math.cos(phi)),
  ];
}
function fromGcj(lat, lon) {
  let guess = [lat, lon];
  for (let i = 0; i < 4; i++) {
    const [north, east] = gcjOffset(guess[0], guess[1]);
    guess = [lat - north, lon - east];
  }
  return guess;
}
/* Tiles in GCJ-02: each goes to where its own middle belongs, so that the shift, which changes by
   some tenths of a per cent of the way, is exact to a fraction of a pixel all over the tile. */
const ShiftedTiles = L.TileLayer.extend({
  _getTilePos(coords) {
    const size = this.getTileSize(), half = size.divideBy(2);
    const middle = L.point(coords.x, coords.y).scaleBy(size).add(half);
    const there = map.unproject(middle, coords.z);
    const here = map.project(fromGcj(there.lat, there.lng), coords.z);
    const shift = here.subtract(middle);
    return L.TileLayer.prototype._getTilePos.call(this, coords).add(shift).round();
  },
  /* The window as the tiles count it. */
  _getTiledPixelBounds(center) {
    const bounds = L.TileLayer.prototype._getTiledPixelBounds.call(this, center);
    const place = L.latLng(center), [north, east] = gcjOffset(place.lat, place.lng);
    const shift = map.project([place.lat + north, place.lng + east], this._tileZoom)
      .subtract(map.project(place, this._tileZoom));
    return L.bounds(bounds.min.add(shift), bounds.max.add(shift));
  },
});
function waterShapes(kind, style) {
  const shapes = data[kind], found = [];
  if (shapes.areas.some((shape) => shape.length)) {
    found.push(L.polygon(shapes.areas.flatMap(rings), drawn(kind, Object.assign({ fillOpacity: 0.85, weight: 0.6 }, style))));
  }
  if (shapes.lines.length) {
    found.push(L.polyline(shapes.lines.map(steps), drawn(kind, Object.assign({ weight: 1.6 }, style, { fill: false }))));
  }
  for (const shape of found) shape.sc = { kind };
  return found;
}
Object.assign(makers, {
  water: () => waterShapes("water", { color: "#9fc6de", fillColor: "#cfe4f1" }),
  barriers: () => waterShapes("barriers", { color: "#7f8fa3", fillColor: "#d3dbe4", fillOpacity: 0.8, dashArray: "1 4" }),
  tiles(group) {
    const { urls, parts, most, shifted, credit } = data.tiles;
    const line = element("div", "sc-credit", credit);
    onLanguage(() => { line.textContent = called(credit); });
    // With tiles the units are paler, so that what lies beneath them can be read.
    const shown = () => {
      line.hidden = !map.hasLayer(group.layer);
      map.getPane("sc-shade").style.opacity = line.hidden ? "" : "0.65";
    };
    group.layer.on("add remove", shown);
    map.getContainer().appendChild(line);
    shown();
    const Layer = shifted ? ShiftedTiles : L.TileLayer;
    // The host of these pictures may ask where they are shown; no other request is made at all.
    return urls.map((url) => new Layer(url, {
      pane: "sc-tiles", subdomains: parts || "a", maxNativeZoom: most, maxZoom: 18, minZoom: 3,
      referrerPolicy: "strict-origin-when-cross-origin", className: "sc-tile",
    }));
  },
});
