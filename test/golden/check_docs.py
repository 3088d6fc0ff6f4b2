#!/usr/bin/env python3
"""Checks that every JSON example of a document stands, as it is, in an expected.txt of a golden case.

    check_docs.py DOCUMENT GOLDEN_DIRECTORY
"""
import re
import sys
from pathlib import Path

document, golden = Path(sys.argv[1]), Path(sys.argv[2])
expected = "".join(path.read_text() for path in sorted(golden.glob("*/expected.txt")))
examples = re.findall(r"^```json\n(.*?)^```$", document.read_text(), re.M | re.S)
missing = [example for example in examples if example not in expected]
for example in missing:
    print(f"{document}: no golden case has this example:\n{example}")
print(f"{len(examples)} examples, {len(missing)} unknown")
sys.exit(1 if missing or not examples else 0)
