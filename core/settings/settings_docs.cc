#include "core/settings/settings_docs.h"

#include <fmt/format.h>

#include "core/settings/endpoint_document.h"
#include "core/settings/kafka_endpoint.h"
#include "core/settings/source_endpoint.h"
#include "core/settings/task_tables.h"

namespace dmskafka {
namespace {

constexpr std::string_view kHead = R"(# Settings

Every setting that dmskafka reads, with its default, its range and what becomes of it. This page is made from the tables in
`core/settings` that read them (`settings_docs > docs/settings.md`); a test fails when it differs.

What becomes of a setting:

- **honoured**: it does what the last column says.
- **not yet**: it is read and checked; using it gives a notice that names the capability which will give it effect.
- **no effect**: AWS knows it, but it means nothing here; using it gives a notice that says why.
- **ignored**: AWS's own bookkeeping, without a notice.
- **refused**: using it is an error that says what to do instead.

A value equal to the default asks for nothing, so AWS's complete default document gives no notices.
Members that are null count as absent. An unknown member is an error. Names of choices are read in any case, with `_` and `-`
alike. Numbers and booleans may be written as strings. Any string may hold `${env:NAME}` or `${file:PATH}`: the value is read
from the environment or the file, and no secret is ever printed.

JSON is taken in each shape in which AWS's tools hold it: the bare object; a request or reply of the AWS CLI
(`create-endpoint`, `describe-endpoints`, `create-replication-task`, `describe-replication-tasks`, with JSON inside strings);
CloudFormation's `Properties`; and `ExtraConnectionAttributes`.
)";

std::string_view verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kHonoured: return "honoured";
    case Verdict::kNotYet: return "not yet";
    case Verdict::kNoEffect: return "no effect";
    case Verdict::kSilent: return "ignored";
    case Verdict::kRefused: return "refused";
  }
  return "";
}

// A bar would end the cell.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

template <typename T>
std::string table_text(const FieldTable<T>& table) {
  std::string text = fmt::format(
      "\n## {}\n\n{}\n\n| Setting | Type | Default | Range | | Meaning |\n|---|---|---|---|---|---|\n",
      table.name, table.about);
  for (const FieldInfo& field : table.fields) {
    text +=
        fmt::format("| {} | {} | {} | {} | {} | {} |\n", field.name, cell(field.type), cell(field.fallback),
                    cell(field.range), verdict_name(field.verdict), cell(field.meaning));
  }
  return text;
}

}  // namespace

std::string settings_documentation() {
  std::string text(kHead);
  text += table_text(kafka_table());
  text += table_text(postgres_table());
  text += table_text(mysql_table());
  text += table_text(endpoint_table());
  for (const TaskTable& table : task_tables()) {
    text += table_text(table);
    if (table.name == "DmskafkaSettings") text += table_text(topic_table());
  }
  return text + table_text(task_members_table());
}

}  // namespace dmskafka
