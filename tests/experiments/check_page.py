"""What a page must keep, whatever it shows: well-formed, self-contained, with the parts that a screen reader needs, data
that can be read, and a script that a browser runs without a complaint."""
import html.parser
import json
import re
import shutil
import subprocess
import tempfile

VOID = {"meta", "link", "br", "hr", "img", "input", "i"}


class Page(html.parser.HTMLParser):
    """Reads a page and notes what is wrong with its structure."""

    def __init__(self, path):
        super().__init__(convert_charrefs=True)
        self.open, self.faults, self.tags, self.scripts, self.style = [], [], [], [], ""
        with open(path, encoding="utf-8") as file:
            self.text = file.read()
        self.feed(self.text)
        self.close()
        if self.open:
            self.faults.append(f"not closed: {self.open}")

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append((tag, attributes))
        if tag == "script":
            self.scripts.append((attributes, ""))
        for name in ("src", "href", "action"):
            if re.match(r"(https?:)?//", attributes.get(name) or ""):
                self.faults.append(f"<{tag}> leads to {attributes[name]}")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing that is open")

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts[-1] = (self.scripts[-1][0], self.scripts[-1][1] + data)
        if self.open and self.open[-1] == "style":
            self.style += data

    def data(self):
        (text,) = [text for attributes, text in self.scripts if attributes.get("type") == "application/json"]
        return json.loads(text)

    def script(self):
        (text,) = [text for attributes, text in self.scripts if "type" not in attributes]
        return text


def check_structure(page):
    tags = [tag for tag, _ in page.tags]
    assert not page.faults, page.faults
    assert page.text.startswith("<!doctype html>")
    assert tags.count("h1") == tags.count("main") == tags.count("title") == 1
    assert ("html", {"lang": "en"}) in page.tags
    (policy,) = [attributes["content"] for _, attributes in page.tags if "http-equiv" in attributes]
    assert "default-src 'none'" in policy, "the page may fetch something"
    assert not re.search(r"@import|url\(", page.style)
    for wanted in ("prefers-reduced-motion", "@media print", ":focus-visible", "color-scheme: light dark"):
        assert wanted in page.style, wanted


def check_data(page, kind):
    data = page.data()
    assert data["format_version"] == 1 and data["kind"] == kind
    assert all(block["type"] in ("headlines", "chart", "table", "text", "code") for block in data["blocks"])
    for block in data["blocks"]:
        if block["type"] == "table":
            assert block["caption"] and all(len(row) == len(block["columns"]) for row in block["rows"])
        if block["type"] == "chart":
            assert block["series"]
            for series in block["series"]:
                assert len({len(series[name]) for name in ("x", "y", "low", "high") if name in series}) == 1
    return data


def check_syntax(page):
    """False where there is no node to ask."""
    if shutil.which("node") is None:
        return False
    with tempfile.NamedTemporaryFile("w", suffix=".js") as file:
        file.write(page.script())
        file.flush()
        subprocess.run(["node", "--check", file.name], check=True)
    return True


def browser():
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def drawn(path, data):
    """The page after its script has run, checked; None where there is no browser to ask."""
    if browser() is None:
        return None
    with tempfile.TemporaryDirectory() as profile:
        done = subprocess.run([browser(), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}",
                               "--enable-logging=stderr", "--virtual-time-budget=3000", "--dump-dom", f"file://{path}"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, check=True)
    complaints = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if "CONSOLE" in line]
    assert not complaints, complaints
    text = done.stdout.decode("utf-8")
    charts = [block for block in data["blocks"] if block["type"] == "chart"]
    panels = sum(len({series["panel"] for series in block["series"]}) for block in charts)
    images = re.findall(r'<svg[^>]*role="img"[^>]*aria-label="[^"]{20,}"', text)
    assert len(images) == panels, (len(images), panels)
    assert len(re.findall(r"<svg[^>]*tabindex=\"0\"", text)) == panels
    assert "NaN" not in re.sub(r"<script.*?</script>", "", text, flags=re.S)
    tables = [block for block in data["blocks"] if block["type"] == "table"]
    assert text.count("<caption>") == len(tables)
    assert text.count('scope="col"') == sum(len(table["columns"]) for table in tables)
    assert text.count('scope="row"') >= sum(min(1, len(table["rows"])) for table in tables)
    return text
