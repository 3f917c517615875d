"""Write docs/functions.md from the table of functions: `python tools/write_functions.py`."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "functions.md"


def main() -> None:
    """Write the page."""
    sys.path.insert(0, str(ROOT / "engine"))
    from jobplan.authoring.functions_page import functions_page

    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(functions_page(), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
