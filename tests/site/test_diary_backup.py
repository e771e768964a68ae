"""The diary's file: what it restores, and what it refuses without changing anything."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

PASSPHRASE = "a spot on the shoulder"

# Helpers in the page: a diary of small images that differ, and a comparable description of everything in it.
SETUP = """async () => {
    const store = await import("/js/diary/store.js");
    const backup = await import("/js/diary/backup.js");
    const id = () => crypto.randomUUID();
    window.fill = async (spots, photos) => {
        for (let number = 0; number < spots; number++) {
            const times = { created: number, changed: 1 };
            const spot = { id: id(), site: "front.chest.left", note: `Spot ${number} – ü`, since: "May", ...times };
            await store.merge([spot], []);
            for (let each = 0; each < photos / spots; each++) {
                const canvas = new OffscreenCanvas(96, 96);
                const context = canvas.getContext("2d");
                context.fillStyle = `hsl(${each * 7} 60% 60%)`;
                context.fillRect(0, 0, 96, 96);
                context.fillText(`${number} ${each}`, 9, 40);
                const blob = await canvas.convertToBlob({ type: "image/jpeg" });
                const date = new Date(Date.UTC(2026, 0, 1 + each)).toISOString().slice(0, 10);
                const details = { date, note: `n${each}`, result: null, created: each, changed: 1 };
                await store.merge([], [{ id: id(), spot: spot.id, ...details, blob }]);
            }
        }
    };
    window.describe = async () => {
        const described = [];
        for (const spot of await store.listSpots()) {
            described.push(JSON.stringify(spot));
            for (const { blob, ...rest } of await store.listPhotos(spot.id)) {
                const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", await blob.arrayBuffer()));
                described.push(`${JSON.stringify(rest)} ${blob.type} ${blob.size} ${hash.join()}`);
            }
        }
        return described;
    };
    window.save = async (passphrase) =>
        backup.encrypt(await store.listSpots(), await store.listPhotoIds(), store.getPhoto, passphrase);
    window.load = async (file, passphrase) => {
        try {
            const { spots, photos } = await backup.decrypt(file, passphrase);
            return await store.merge(spots, photos);
        } catch (error) {
            return error.key ?? String(error);
        }
    };
    window.wipe = store.deleteAll;
}"""


@pytest.fixture
def diary(open_page: Callable[..., Page]) -> Page:
    """Return the page with the helpers of SETUP."""
    page = open_page()
    page.evaluate(SETUP)
    return page


@pytest.mark.parametrize("photos", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_export_wipe_import_is_identical(diary: Page, photos: int) -> None:
    """Records and image bytes are the same after export, deletion and import; no request carries anything of it."""
    requests: list[str] = []
    diary.evaluate(f"fill(4, {photos})")
    diary.on("request", lambda request: requests.append(f"{request.method} {request.url}"))
    before = diary.evaluate("describe()")
    assert len(before) == len(set(before)) == photos + 4
    diary.evaluate(f"async () => {{ window.file = await save('{PASSPHRASE}'); await wipe(); }}")
    assert diary.evaluate("describe()") == []
    assert diary.evaluate(f"load(file, '{PASSPHRASE}')") == {"spots": 4, "photos": photos}
    assert diary.evaluate("describe()") == before
    # A second import finds everything there.
    assert diary.evaluate(f"load(file, '{PASSPHRASE}')") == {"spots": 0, "photos": 0}
    assert diary.evaluate("describe()") == before
    assert requests == []


def test_another_profile_cannot_import_without_passphrase(diary: Page, open_page: Callable[..., Page]) -> None:
    """A fresh browser context reads nothing of the file: not with a wrong passphrase, and not in its bytes."""
    diary.evaluate("fill(1, 4)")
    exported = bytes(diary.evaluate(f"async () => [...new Uint8Array(await (await save('{PASSPHRASE}')).arrayBuffer())]"))
    assert exported.startswith(b"LSNDIARY")
    # Neither JSON nor the beginning of a JPEG.
    for content in (b"chest", b"Spot", b"2026", b"\xff\xd8\xff", b"JFIF"):
        assert content not in exported
    other = open_page()
    other.evaluate(SETUP)
    other.evaluate("(bytes) => { window.file = new Blob([new Uint8Array(bytes)]); }", list(exported))
    for wrong in ("", "a spot on the shoulde", "A spot on the shoulder"):
        assert other.evaluate(f"load(file, '{wrong}')") == "diary.backup.passphrase"
    assert other.evaluate("describe()") == []
    assert other.evaluate(f"load(file, '{PASSPHRASE}')") == {"spots": 1, "photos": 4}


# A diary of two photos of 1.5 MB: the list, three chunks of photos.
LARGE = """async () => {
    await fill(1, 2);
    const store = await import("/js/diary/store.js");
    for (const id of await store.listPhotoIds()) {
        const photo = await store.getPhoto(id);
        const noise = new Uint8Array(1_500_000);
        for (let at = 0; at < noise.length; at += 65_536) crypto.getRandomValues(noise.subarray(at, at + 65_536));
        await store.updatePhoto(photo, { blob: new Blob([photo.blob, noise], { type: "image/jpeg" }) });
    }
    window.file = await save("%s");
    window.whole = new Uint8Array(await file.arrayBuffer());
    window.first = new DataView(whole.buffer).getUint32(36);
    // Start of a chunk of photos, counted from 1.
    window.at = (chunk) => 40 + first + (chunk - 1) * (2 ** 20 + 16);
    await wipe();
}"""
CHANGES: dict[str, tuple[str, str]] = {
    "empty": ("new Blob([])", "foreign"),
    "photo": ("new Blob(['JFIF', whole.slice(100, 9000)])", "foreign"),
    "newer": ("patched(8, 2)", "version"),
    "fewer-iterations": ("patched(12, 1)", "version"),
    "salt": ("patched(20, whole[20] ^ 1)", "passphrase"),
    "nonce": ("patched(30, whole[30] ^ 1)", "passphrase"),
    "list": ("patched(60, whole[60] ^ 1)", "passphrase"),
    "one-bit": ("patched(at(2) + 5000, whole[at(2) + 5000] ^ 1)", "damaged"),
    "cut-in-header": ("file.slice(0, 30)", "foreign"),
    "cut-in-list": ("file.slice(0, at(1) - 9)", "damaged"),
    "cut-after-list": ("file.slice(0, at(1))", "passphrase"),
    "cut-in-chunk": ("file.slice(0, at(2) + 70000)", "damaged"),
    "cut-after-chunk": ("file.slice(0, at(3))", "damaged"),
    "last-byte": ("file.slice(0, -1)", "damaged"),
    "appended": ("new Blob([file, 'x'])", "damaged"),
    "repeated": ("new Blob([file.slice(0, at(2)), file.slice(at(1))])", "damaged"),
    "reordered": (
        "new Blob([file.slice(0, at(1)), file.slice(at(2), at(3)), file.slice(at(1), at(2)), file.slice(at(3))])",
        "damaged",
    ),
}


def test_changed_file_is_refused_and_changes_nothing(diary: Page) -> None:
    """Any other, shorter, longer or reordered file is answered with a sentence, and the diary stays as it was."""
    diary.evaluate(LARGE % PASSPHRASE)
    diary.evaluate("fill(1, 1)")
    before = diary.evaluate("describe()")
    script = """async (passphrase) => {
        const patched = (at, value) => { const copy = whole.slice(); copy[at] = value; return new Blob([copy]); };
        return load(CHANGED, passphrase);
    }"""
    answers = {
        name: diary.evaluate(script.replace("CHANGED", changed), PASSPHRASE) for name, (changed, _) in CHANGES.items()
    }
    assert answers == {name: f"diary.backup.{problem}" for name, (_, problem) in CHANGES.items()}
    assert diary.evaluate("describe()") == before
    assert diary.evaluate(f"load(file, '{PASSPHRASE}')") == {"spots": 1, "photos": 2}


@pytest.mark.parametrize("change", ["deleted", "smaller", "edited"])
def test_export_notices_a_change_meanwhile(diary: Page, change: str) -> None:
    """A photo that another window changes between the list and the photos would leave a copy that nobody can open."""
    diary.evaluate("fill(1, 3)")
    answer = diary.evaluate(
        """async ([change, passphrase]) => {
            const store = await import("/js/diary/store.js");
            const backup = await import("/js/diary/backup.js");
            const ids = await store.listPhotoIds();
            let reads = 0;
            const read = async (id) => {
                const photo = await store.getPhoto(id);
                if (++reads !== ids.length + 2) return photo;
                if (change === "deleted") return undefined;
                return change === "edited" ? { ...photo, changed: 2 } : { ...photo, blob: photo.blob.slice(9) };
            };
            return backup.encrypt(await store.listSpots(), ids, read, passphrase).then(String, (error) => error.key);
        }""",
        [change, PASSPHRASE],
    )
    assert answer == "diary.backup.changed"


def test_days_that_do_not_exist_are_refused(diary: Page) -> None:
    script = """async (date) => {
        const { isDetails } = await import("/js/diary/records.js");
        const id = crypto.randomUUID();
        return isDetails({ id, spot: id, date, note: "", result: null, created: 0, changed: 0 });
    }"""
    days = {"2026-02-28": True, "2028-02-29": True, "2026-02-29": False, "2026-02-31": False, "2026-13-01": False}
    assert {day: diary.evaluate(script, day) for day in days} == days


def test_import_merges_by_id_and_keeps_newer(diary: Page) -> None:
    """What changed since the export stays, what is missing returns, and what is new is kept."""
    diary.evaluate("fill(2, 4)")
    result: dict[str, Any] = diary.evaluate(
        """async (passphrase) => {
            const store = await import("/js/diary/store.js");
            const file = await save(passphrase);
            const [spot, other] = await store.listSpots();
            await new Promise((resolve) => setTimeout(resolve, 5));
            await store.updateSpot(spot, { note: "changed later" });
            await store.deleteSpot(other.id);
            await fill(1, 1);
            const written = await load(file, passphrase);
            return { written, notes: (await store.listSpots()).map(({ note }) => note), count: await store.count() };
        }""",
        PASSPHRASE,
    )
    assert result["written"] == {"spots": 1, "photos": 2}
    assert "changed later" in result["notes"]
    assert result["count"] == {"spots": 3, "photos": 5}


RECORDS = (
    "spot.site = 'front.elsewhere'",
    "spot.id = '../x'",
    "spot.note = 'x'.repeat(2001)",
    "spot.created = -1",
    "photo.date = '2026-13-41'",
    "photo.spot = crypto.randomUUID()",
    "photo.result = { prediction: { decision: 'maybe' } }",
    "photo.result = 'none'",
)


def test_records_of_a_file_are_checked(diary: Page) -> None:
    """A file with the right passphrase may come from another program: records that the page cannot show are refused."""
    script = """async (passphrase) => {
        const { encrypt } = await import("/js/diary/backup.js");
        const both = { note: "", created: 1, changed: 1 };
        const spot = { id: crypto.randomUUID(), site: "", since: "", ...both };
        const photo = { id: crypto.randomUUID(), spot: spot.id, date: "2026-01-02", result: null, ...both };
        CHANGE;
        const blob = new Blob(["x"], { type: "image/jpeg" });
        const file = await encrypt([spot], [photo.id], async () => ({ ...photo, blob }), passphrase);
        return load(file, passphrase);
    }"""
    answers = {change: diary.evaluate(script.replace("CHANGE", change), PASSPHRASE) for change in RECORDS}
    assert answers == dict.fromkeys(RECORDS, "diary.backup.damaged")
    assert diary.evaluate("describe()") == []
    assert diary.evaluate(script.replace("CHANGE;", ""), PASSPHRASE) == {"spots": 1, "photos": 1}
