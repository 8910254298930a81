"""``servicecircle fetch`` against a server on this machine that answers as OSM's servers did.

The answers are those of Taoyuan's county: one of Nominatim, six of Overpass.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import geopandas as gpd
import pytest

from servicecircle.errors import InputError
from servicecircle.inputs.download import download_place
from servicecircle.inputs.roads import read_roads
from servicecircle.project import RoadSettings


class Server:
    """Answers searches with one place and queries with the tiles in turn."""

    def __init__(self, places, tiles):
        self.places, self.tiles = places, tiles
        self.asked = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self, body, status=200):
                raw = body.encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def do_GET(self):
                server.asked.append(self.path)
                if self.path.endswith("/status"):
                    lines = ["Connected as: 1", "Current time: now", "Announced endpoint: none"]
                    self.answer("\n".join([*lines, "Rate limit: 2", "2 slots available now."]))
                else:
                    self.answer(server.places)

            def do_POST(self):
                text = self.rfile.read(int(self.headers["Content-Length"])).decode()
                server.asked.append(text)
                empty = json.dumps({"version": 0.6, "elements": []})
                ferries = "ferry" in text
                self.answer(empty if ferries or not server.tiles else server.tiles.pop(0))

            def log_message(self, *args):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        self.thread = threading.Thread(target=self.http.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


def answers(shared):
    texts = [path.read_text("utf-8") for path in sorted((shared / "taoyuan").glob("*.json"))]
    tiles = [text for text in texts if text.startswith("{")]
    (places,) = (text for text in texts if text.startswith("["))
    return places, tiles


def fetch(folder, server, *options):
    command = [sys.executable, "-m", "servicecircle", "fetch", "Taoyuan County, Changde"]
    command += ["--out", str(folder), "--nominatim", server, "--overpass", f"{server}/api"]
    environment = {**os.environ, "PYTHONUTF8": "1", "LC_ALL": "en_US.UTF-8", "NO_PROXY": "*"}
    return subprocess.run(
        [*command, *options],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=environment,
        check=False,
        timeout=300,
    )


def refusal(server):
    with pytest.raises(InputError) as caught:
        download_place("Taoyuan", nominatim=server.url, overpass=f"{server.url}/api")
    for language in ("en", "zh"):
        assert "{" not in caught.value.problems[0].text(language)
    return caught.value.text("en")


def test_a_county_is_fetched_and_read(shared, tmp_path):
    places, tiles = answers(shared)
    folder = tmp_path / "taoyuan"
    with Server(places, [tiles[0], *tiles[1:]]) as server:
        done = fetch(folder, server.url, "--margin", "0")
        assert done.returncode == 0, done.stderr
        queries = [text for text in server.asked if text.startswith("data=")]
        assert any("highway" in text for text in queries)
        assert any("ferry" in text for text in queries)
        taken = 6 - len(server.tiles)
    assert sorted(path.name for path in folder.iterdir()) == [
        "boundary.geojson",
        "fetched.json",
        "roads.osm.pbf",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["taoyuan"]
    assert "Taoyuan County" in done.stdout
    assert f'path = "{(folder / "roads.osm.pbf").as_posix()}"' in done.stdout

    record = json.loads((folder / "fetched.json").read_text("utf-8"))
    for name in ("roads.osm.pbf", "boundary.geojson"):
        assert record["sha256"][name] == hashlib.sha256((folder / name).read_bytes()).hexdigest()
    assert record["data_as_of"].startswith("2024-11-25")
    assert record["osm_id"] == "relation/3152417"
    assert "OpenStreetMap contributors" in record["credit"]

    boundary = gpd.read_file(folder / "boundary.geojson")
    assert len(boundary) == 1
    assert boundary.to_crs("ESRI:54034").area.sum() / 1e6 == pytest.approx(4_420, rel=0.02)

    # The file holds what the answers hold: the same roads as read from them directly.
    part = tmp_path / "part"
    part.mkdir()
    for number, text in enumerate(tiles[:taken]):
        (part / f"{number}.json").write_text(text, "utf-8")
    raw, _ = read_roads(RoadSettings(path=Path("part")), base=tmp_path)
    roads, problems = read_roads(RoadSettings(path=Path("roads.osm.pbf")), base=folder)
    assert problems == []
    for key in ("lines_in", "nodes", "segments_used", "nodes_walkable", "segments_drive"):
        assert roads.counts[key] == raw.counts[key]
    assert sorted(roads.lon.tolist()) == sorted(raw.lon.tolist())
    assert roads.road_names == raw.road_names

    # The folder is not written over.
    again = fetch(folder, server.url)
    assert again.returncode == 1
    assert "not empty" in again.stderr


def test_all_tiles_are_the_county_of_the_catalogue(shared):
    roads, problems = read_roads(RoadSettings(path=Path("taoyuan")), base=shared)
    assert roads.counts["nodes_walkable"] == 36_705
    assert roads.counts["lines_in"] == roads.counts["lines_used"] == 2_349
    assert roads.counts["segments_used"] == 39_542
    assert [problem.code for problem in problems] == ["osm.not_overpass"]
    assert roads.allowed["drive"].astype(bool).mean() > 0.9


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"places": "[]"}, "does not know"),
        ({"places": "<html>busy</html>"}, "cannot be used"),
        ({"tiles": ['{"version": 0.6, "elements": []}'] * 9}, "there are no roads"),
        ({"tiles": ['{"elements": [], "remark": "runtime error: timed out"}']}, "not whole"),
        ({"tiles": ["<html>busy</html>"]}, "cannot be used"),
        ({"tiles": ['{"error": 1}']}, "cannot be used"),
    ],
)
def test_what_the_servers_may_answer_instead(shared, change, expected):
    places, tiles = answers(shared)
    with Server(change.get("places", places), change.get("tiles", tiles)) as server:
        assert expected in refusal(server)


def test_a_place_without_area(shared):
    places, tiles = answers(shared)
    point = json.loads(places)[0] | {"geojson": {"type": "Point", "coordinates": [111.25, 28.89]}}
    with Server(json.dumps([point]), tiles) as server:
        assert "has no boundary" in refusal(server)


def test_the_settings_of_osmnx_are_put_back(shared):
    from osmnx import settings

    before = {key: value for key, value in vars(settings).items() if not key.startswith("_")}
    resolve = socket.getaddrinfo
    with Server("[]", []) as server:
        refusal(server)
    after = {key: value for key, value in vars(settings).items() if not key.startswith("_")}
    assert after == before
    assert socket.getaddrinfo is resolve


def test_without_a_connection(tmp_path):
    done = fetch(tmp_path / "new", "http://127.0.0.1:9")
    assert done.returncode == 1
    assert "cannot be reached" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
