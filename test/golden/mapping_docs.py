#!/usr/bin/env python3
"""Writes docs/mapping.md from the golden cases, so that every example in it is tested.

    mapping_docs.py DOCUMENT GOLDEN_DIRECTORY            writes DOCUMENT
    mapping_docs.py --check DOCUMENT GOLDEN_DIRECTORY    exit status 1 when it is not current
"""
import json
import sys
from pathlib import Path

INTRODUCTION = """\
# Table mapping

The rules of a table mapping, each with a row and the message that comes of it. This page is made from the golden cases below
`test/golden` by `test/golden/mapping_docs.py`, so that every example is what the program does; do not edit it by hand.

Rules act in the order of their `rule-id`. Locators match the names of the source; a column that a rule added is matched by the
name it was given. `%` stands for any run of characters, `_` for one, `[_]` for an underscore, `[a-d]` for a range. Rules of
different targets compose. Of two rules that name one object, mask one column or change one type, the one with the lower rule-id
counts; the other one is named in a warning. `validate-mapping --source …` shows all of this against the real tables.
"""

# (heading or None, text, case)
SECTIONS = [
    ("Selection", "`include`, `exclude` and `explicit` choose tables; filters choose rows. Filters of one rule, and of every rule that "
     "includes a table, must all be passed; of the conditions within a filter one is enough. Numbers are compared by value, dates in the "
     "order of time, all else byte by byte; against NULL only `null` holds. The database leaves the rows out itself where it provably "
     "compares alike, else we do; those we leave out are counted and named at the end. LOB columns, which every TEXT column of SQLite and "
     "PostgreSQL is to DMS, can not be filtered by.", None),
    ("Numbers", "`ste` is the same as `lte`; both bounds belong to `between`.", "filter_numbers"),
    ("Dates", "Written `YYYY-MM-DD` or `YYYY-MM-DD HH:MM:SS`.", "filter_dates"),
    ("Every operator and type", "`filter_every_type_…` of the golden cases; here `between`.", "filter_every_type_between"),
    ("Several filters", "", "filter_or_within_and_across"),
    ("A masked column", "A filter sees the source's value.", "filter_and_mask"),
    ("Transformations", "", None),
    ("rename", "Schema, table or column. A renamed schema wins over `TargetSchema`.", "transform_rename"),
    ("rename by an expression", "With `$SCHEMA_NAME_VAR`, `$TABLE_NAME_VAR`, `$COLUMN_NAME_VAR`.", "transform_rename_expression"),
    ("convert-uppercase, convert-lowercase", "", "transform_convert_case"),
    ("add-prefix, add-suffix", "", "transform_prefix"),
    ("remove-prefix, remove-suffix", "", "transform_remove_suffix"),
    ("replace-prefix, replace-suffix", "", "transform_replace_prefix"),
    ("remove-column", "", "transform_remove_column"),
    ("include-column", "Only these columns, and those that rules add.", "transform_include_column"),
    ("add-column with a constant", "", "transform_add_column_literal"),
    ("add-column with an expression", "SQLite evaluates it, with all its functions. `$name` is the source's value of a column.",
     "transform_add_column_expression"),
    ("Functions and variables beyond SQLite's", "", "transform_expression_functions"),
    ("What a change says of itself", "`$AR_H_CHANGE_SEQ` has 35 digits: 16 of the commit's time, 10 of the transaction, 9 of the record. A loaded row "
     "has no place in the log. No log names the user.", "transform_expression_change_headers"),
    ("An expression that fails", "It gives NULL, and is counted; so does one that takes more than ten million steps of SQLite's, or makes a value above 64 MiB.", "transform_expression_fails"),
    ("Rules on an added column", "", "transform_chain"),
    ("change-data-type", "A value that the type cannot take stays the text it is.", "transform_change_data_type"),
    ("define-primary-key", "", "transform_define_primary_key"),
    ("add-before-image-columns", "This update changed the id, which was 7. Old values are shown of updates alone (docs/messages.md, before images), "
     "masked, typed and hidden like their columns; rules know them by their own names.", "transform_before_image_columns"),
    ("data-masking-digits-mask", "", "transform_mask_digits"),
    ("data-masking-hash-mask", "SHA-256 of the source's text, in upper-case hex. `data-masking-digits-randomize` puts random digits instead.",
     "transform_mask_hash"),
    ("Which rule counts", "", "transform_lower_id_wins"),
    ("Object mapping", "`${column}` is what the column shows in `data`, without quotes; NULL is the empty text. Names are those after the "
     "transformations, then those of the source; exactly, else the only one that differs in case alone.", None),
    ("The example of AWS's page", "", "sample_object_mapping_record"),
    ("map-record-to-document", "The columns stand inside `_doc`, the attributes beside it.", "sample_object_mapping_document"),
    ("An attribute named like a column", "It stands in the column's stead.", "object_mapping_replaces_column"),
    ("Documents", "Nested to any depth, with literals.", "object_mapping_document_deep"),
    ("target-table-name", "", "object_mapping_target_table"),
    ("kafka-target-topic", "", "object_mapping_topic"),
    ("kafka-target-topic with names", "`${schema}` and `${table}` are ours; what no topic may hold becomes `_`.",
     "object_mapping_topic_template"),
    ("partition-key-type primary-key", "In load and CDC.", "object_mapping_key_primary"),
    ("partition-key-type schema-table", "", "object_mapping_key_schema_table"),
    ("partition-key-type attribute-name", "The name of an attribute or of a column. Control records keep their key.",
     "object_mapping_key_column"),
    ("partition-key", "A constant, or a text with columns; in `mapping-parameters` or in the rule itself.", "object_mapping_key_template"),
    ("With transformations", "", "transform_then_object_mapping"),
]


def block(language, text):
    return f"```{language}\n{text.rstrip()}\n```\n"


def cell(value):
    """A value of a golden case as a person reads it; those that a log does not carry are empty."""
    if value is None:
        return "NULL"
    if isinstance(value, dict):
        (text,) = value.values()
        return text if isinstance(text, str) else ""
    return value.replace("\n", "\\n")


def example(case):
    rules = json.loads((case / "mapping.json").read_text())["rules"]
    shown = [rule for rule in rules if rule["rule-type"] != "selection" or rule.get("filters")]
    text = block("json", ",\n".join(json.dumps(rule, indent=2, ensure_ascii=False) for rule in shown))
    table = json.loads((case / "table.json").read_text())
    names = [column["name"] for column in table["table"]["columns"]]
    key = ", ".join(table["table"].get("primary-key", [])) or "none"
    text += f"\nTable `{table['table']['schema']}.{table['table']['name']}`, primary key {key}:\n\n"
    text += "| | " + " | ".join(names) + " |\n|" + "---|" * (len(names) + 1) + "\n"
    for record in table["records"]:
        operation, row = next(iter(record.items()))
        if operation != "control":
            cells = [cell(value) for value in row]
            text += f"| {operation} | " + " | ".join(cells) + " |\n"
    return text + "\n" + block("", (case / "expected.txt").read_text())


def document(golden):
    text = INTRODUCTION
    for heading, words, case in SECTIONS:
        text += f"\n{'###' if case else '##'} {heading}\n"
        if words:
            text += f"\n{words}\n"
        if case:
            text += "\n" + example(golden / case)
    return text


def main():
    check = sys.argv[1] == "--check"
    path, golden = (Path(argument) for argument in sys.argv[-2:])
    text = document(golden)
    if not check:
        path.write_text(text)
        return 0
    if path.exists() and path.read_text() == text:
        return 0
    print(f"{path} is not what the golden cases say: run test/golden/mapping_docs.py")
    return 1


if __name__ == "__main__":
    sys.exit(main())
