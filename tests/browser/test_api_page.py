"""The API's page as a browser shows it: every place told, nothing asked of anybody, and answers a browser can show."""

import re

import httpx
import pytest

pytestmark = pytest.mark.browser


def test_the_page_tells_every_place_and_asks_nobody(chromium, served):
    page = httpx.get(f"{served}/docs")
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    again = httpx.get(f"{served}/docs", headers={"If-None-Match": page.headers["etag"]})
    assert again.status_code == 304
    assert again.headers["content-security-policy"] == page.headers["content-security-policy"]
    dom = chromium.dom(f"{served}/docs")
    document = httpx.get(f"{served}/openapi.json").json()
    for path, methods in document["paths"].items():
        for method in methods:
            assert f'<span class="{method}">{method.upper()}</span> {path}</h3>' in dom
    assert not re.search(r'(?:src|href)="(?!/openapi\.json|#)', dom)
    assert "AI PRO SPORTS API" in chromium.text(f"{served}/docs")


def test_a_browser_shows_health_and_refuses_the_rest(chromium, served):
    assert '"status":"healthy"' in chromium.text(f"{served}/v1/health")
    assert "Unauthorized" in chromium.text(f"{served}/v1/predictions")
