#include "cli/input_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "core/json/json_writer.h"
#include "mapping/number_text.h"
#include "mapping/transformation.h"

namespace dmskafka {
namespace {

constexpr std::array<std::string_view, 13> kMembers = {"schema",
                                                       "table",
                                                       "op",
                                                       "row",
                                                       "before",
                                                       "primary-key",
                                                       "types",
                                                       "replica-identity",
                                                       "unchanged-columns",
                                                       "transaction-id",
                                                       "transaction-record-id",
                                                       "commit-timestamp",
                                                       "stream-position"};
constexpr std::size_t kLineBytesMax = 64 << 20;

Error wrong(const JsonValue& value, std::string message) {
  return Error(ErrorCode::kInvalidSettings, std::move(message)).at(value.location());
}

Result<std::string> text_member(const JsonValue& line, std::string_view name) {
  const JsonValue* value = line.find_present(name);
  if (value == nullptr) return wrong(line, fmt::format("the line has no \"{}\"", name));
  if (!value->is_string()) {
    return wrong(*value, fmt::format("{} is {}", name, json_kind_name(value->kind()))).expected("a string");
  }
  return std::string(value->string());
}

Result<std::uint64_t> number_member(const JsonValue& line, std::string_view name, std::uint64_t otherwise) {
  const JsonValue* value = line.find_present(name);
  if (value == nullptr) return otherwise;
  std::uint64_t number = 0;
  const std::string_view text =
      value->kind() == JsonKind::kNumber ? value->number_text() : std::string_view();
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (!text.empty() && parsed.ec == std::errc() && parsed.ptr == text.data() + text.size()) return number;
  return wrong(*value, fmt::format("{} is no number of this kind", name))
      .expected("a whole number, 0 or more");
}

// "load" and its kin as messages spell them, in every dialect.
Result<Operation> operation_of(const JsonValue& line) {
  const JsonValue* op = line.find_present("op");
  if (op == nullptr) return Operation::kLoad;
  const std::string_view word = op->is_string() ? op->string() : std::string_view();
  if (word == "load" || word == "read") return Operation::kLoad;
  if (word == "insert" || word == "create") return Operation::kInsert;
  if (word == "update") return Operation::kUpdate;
  if (word == "delete") return Operation::kDelete;
  return wrong(*op, fmt::format("op is {}", op->is_string() ? json_quoted(word)
                                                            : std::string(json_kind_name(op->kind()))))
      .expected("load, insert, update or delete");
}

Result<const JsonValue*> row_member(const JsonValue& line, std::string_view name) {
  const JsonValue* row = line.find_present(name);
  if (row == nullptr || row->is_object()) return row;
  return wrong(*row, fmt::format("{} is {}", name, json_kind_name(row->kind())))
      .expected("an object of columns");
}

// "2024-01-01T00:00:00.000001Z", as messages show it; the fraction may be missing.
std::optional<WallTime> time_of(std::string_view text) {
  std::array<int, 6> parts{};
  constexpr std::string_view kForm = "0000-00-00T00:00:00";
  if (text.size() < kForm.size() + 1 || !text.ends_with('Z')) return std::nullopt;
  std::size_t part = 0;
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kForm[i] == '0' ? !digit : text[i] != kForm[i]) return std::nullopt;
    if (kForm[i] != '0') ++part;
    if (digit) parts[part] = parts[part] * 10 + (text[i] - '0');
  }
  std::string_view fraction = text.substr(kForm.size(), text.size() - kForm.size() - 1);
  std::int64_t microseconds = 0;
  if (!fraction.empty()) {
    if (fraction[0] != '.' || fraction.size() < 2 || fraction.size() > 7) return std::nullopt;
    for (std::size_t i = 1; i < 7; ++i) {
      const char c = i < fraction.size() ? fraction[i] : '0';
      if (c < '0' || c > '9') return std::nullopt;
      microseconds = microseconds * 10 + (c - '0');
    }
  }
  const std::chrono::year_month_day day{std::chrono::year(parts[0]),
                                        std::chrono::month(static_cast<unsigned>(parts[1])),
                                        std::chrono::day(static_cast<unsigned>(parts[2]))};
  if (!day.ok() || parts[3] > 23 || parts[4] > 59 || parts[5] > 59) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days(day).time_since_epoch().count();
  return WallTime{(((days * 24 + parts[3]) * 60 + parts[4]) * 60 + parts[5]) * 1'000'000 + microseconds};
}

// The text of an array or an object, as a database would give a JSON column.
void append_json(const JsonValue& value, std::string& out) {
  switch (value.kind()) {
    case JsonKind::kNull: out += "null"; return;
    case JsonKind::kBoolean: out += value.boolean() ? "true" : "false"; return;
    case JsonKind::kNumber: out += value.number_text(); return;
    case JsonKind::kString: out += json_quoted(value.string()); return;
    case JsonKind::kArray:
      out += '[';
      for (const JsonValue& item : value.items()) {
        if (out.back() != '[') out += ',';
        append_json(item, out);
      }
      out += ']';
      return;
    case JsonKind::kObject: break;
  }
  out += '{';
  bool first = true;
  for (const JsonMember& member : value.members()) {
    out += (first ? "" : ",") + json_quoted(member.name) + ":";
    first = false;
    append_json(member.value, out);
  }
  out += '}';
}

Value stored(ChangeBatch& batch, ValueForm form, std::string_view text) {
  const std::string_view kept = batch.store(text);
  return {form, kept.data(), static_cast<std::uint32_t>(kept.size())};
}

Value value_of(const JsonValue& json, const ColumnSchema& column, ChangeBatch& batch) {
  const bool dynamic = column.value_kind == ValueKind::kDynamic;
  const bool boolean =
      column.value_kind == ValueKind::kBoolean || column.value_kind == ValueKind::kBooleanAsString;
  switch (json.kind()) {
    case JsonKind::kNull: return Value::null();
    case JsonKind::kString: return stored(batch, ValueForm::kText, json.string());
    case JsonKind::kBoolean:
      if (boolean) return stored(batch, ValueForm::kText, json.boolean() ? "t" : "f");
      return stored(batch, ValueForm::kText, json.boolean() ? "true" : "false");
    case JsonKind::kNumber: {
      const std::string_view text = json.number_text();
      if (!dynamic) return stored(batch, ValueForm::kText, text);
      if (NumberText::parse(text).valid) return stored(batch, ValueForm::kInteger, text);
      const double real = std::strtod(std::string(text).c_str(), nullptr);
      std::array<char, sizeof real> bytes;
      std::memcpy(bytes.data(), &real, sizeof real);
      return stored(batch, ValueForm::kReal, {bytes.data(), bytes.size()});
    }
    case JsonKind::kArray:
    case JsonKind::kObject: break;
  }
  std::string text;
  append_json(json, text);
  return stored(batch, ValueForm::kText, text);
}

// Of a column that a line brings, where no type is given.
ColumnSchema untyped_column(std::string_view name, const JsonValue& value) {
  ColumnSchema column;
  column.name = name;
  const bool boolean = value.kind() == JsonKind::kBoolean;
  column.type = boolean ? DmsType::kBool : DmsType::kString;
  column.value_kind = boolean ? ValueKind::kBoolean : ValueKind::kDynamic;
  return column;
}

void add_columns(const JsonValue* row, TableSchema& schema) {
  if (row == nullptr) return;
  for (const JsonMember& member : row->members()) {
    const auto known = schema.find_column(member.name);
    if (!known) {
      schema.columns.push_back(untyped_column(member.name, member.value));
    } else if (schema.columns[*known].value_kind == ValueKind::kBoolean &&
               schema.columns[*known].source_type.empty() && member.value.kind() != JsonKind::kBoolean &&
               !member.value.is_null()) {
      schema.columns[*known] = untyped_column(member.name, member.value);  // it was no column of booleans
    }
  }
}

Result<void> set_types(const JsonValue& types, TableSchema& schema) {
  if (!types.is_object())
    return wrong(types, fmt::format("types is {}", json_kind_name(types.kind())))
        .expected("an object: {\"id\": \"int8\"}");
  for (const JsonMember& member : types.members()) {
    const auto type = member.value.is_string() ? data_type_of(member.value.string()) : std::nullopt;
    if (!type) {
      return wrong(member.value, fmt::format("unknown type of column \"{}\"", member.name))
          .expected("one of AWS's types, e.g. string, int4, numeric, datetime");
    }
    auto index = schema.find_column(member.name);
    if (!index) {
      index = static_cast<std::uint32_t>(schema.columns.size());
      schema.columns.emplace_back().name = member.name;
    }
    ColumnSchema& column = schema.columns[*index];
    column.type = type->type;
    column.value_kind = type->kind;
    column.lob = type->lob;
    column.source_type = member.value.string();
  }
  return {};
}

Result<void> set_key(const JsonValue& key, TableSchema& schema) {
  if (!key.is_array()) {
    return wrong(key, fmt::format("primary-key is {}", json_kind_name(key.kind())))
        .expected("an array of columns");
  }
  schema.primary_key.clear();
  for (const JsonValue& name : key.items()) {
    const auto index = name.is_string() ? schema.find_column(name.string()) : std::nullopt;
    if (!index) return wrong(name, "primary-key names a column that the row does not have");
    schema.columns[*index].nullable = false;
    schema.primary_key.push_back(*index);
  }
  return {};
}

// PostgreSQL's words.
Result<void> set_identity(const JsonValue& identity, TableSchema& schema) {
  const std::string_view word = identity.is_string() ? identity.string() : std::string_view();
  if (word == "full") return schema.old_row = OldRow::kFull, Result<void>();
  if (word == "default") return schema.old_row = OldRow::kKeyWhenChanged, Result<void>();
  if (word == "index") return schema.old_row = OldRow::kOtherColumns, Result<void>();
  if (word == "nothing") return schema.old_row = OldRow::kNothing, Result<void>();
  return wrong(identity, "replica-identity is none that PostgreSQL has")
      .expected("full, default, index or nothing");
}

bool same_table(const TableSchema& a, const TableSchema& b) {
  return a.columns == b.columns && a.primary_key == b.primary_key && a.old_row == b.old_row;
}

}  // namespace

void InputRows::FileCloser::operator()(std::FILE* file) const noexcept {
  if (file != stdin) std::fclose(file);
}

Result<InputRows> InputRows::open(const std::string& file) {
  if (file == "-") return InputRows(file, stdin);
  std::FILE* const opened = std::fopen(file.c_str(), "rb");
  if (opened == nullptr)
    return Error(ErrorCode::kInvalidSettings, fmt::format("--input {}: {}", file, std::strerror(errno)));
  return InputRows(file, opened);
}

// False: the file is at its end.
Result<bool> InputRows::read_line(std::string& line) {
  line.clear();
  for (int c = 0; (c = getc_unlocked(file_.get())) != EOF;) {
    line += static_cast<char>(c);
    if (c == '\n') return true;
    if (line.size() > kLineBytesMax) {
      return Error(ErrorCode::kInvalidSettings,
                   fmt::format("{}:{}: the line has more than 64 MiB", name_, line_ + 1));
    }
  }
  if (std::ferror(file_.get()) != 0)
    return Error(ErrorCode::kSourceRejected, fmt::format("{}: {}", name_, std::strerror(errno)));
  return !line.empty();
}

// The reader of one line knows it as line 1 of a text.
Error InputRows::at_line(Error error) const {
  if (!error.location()) return error;
  JsonLocation place = *error.location();
  place.line += line_ - 1;
  return std::move(error).at(std::move(place));
}

Result<std::optional<InputRows::Row>> InputRows::next(WallTime now) {
  std::string line;
  for (;;) {
    DMSKAFKA_ASSIGN(const bool more, read_line(line));
    if (!more) return std::optional<Row>();
    ++line_;
    if (line.find_first_not_of(" \t\r\n") != std::string::npos) break;
  }
  while (line.ends_with('\n') || line.ends_with('\r')) line.pop_back();
  auto document = JsonDocument::parse(name_, std::move(line));
  if (!document) return at_line(std::move(document).error());
  auto row = read_row(document->root(), now);
  if (!row) return at_line(std::move(row).error());
  return std::optional<Row>(std::move(row).value());
}

Result<InputRows::Row> InputRows::read_row(const JsonValue& line, WallTime now) {
  if (!line.is_object()) {
    return wrong(line, fmt::format("the line is {}", json_kind_name(line.kind())))
        .expected(R"({"schema": ..., "table": ..., "row": {...}})");
  }
  for (const JsonMember& member : line.members()) {
    if (std::find(kMembers.begin(), kMembers.end(), member.name) != kMembers.end()) continue;
    Error error = Error(ErrorCode::kInvalidSettings, fmt::format("unknown member \"{}\"", member.name))
                      .at(member.value.name_location());
    const std::string_view nearest = nearest_name(member.name, kMembers);
    return nearest.empty() ? error : std::move(error).expected(fmt::format("\"{}\"", nearest));
  }
  DMSKAFKA_ASSIGN(std::string schema_name, text_member(line, "schema"));
  DMSKAFKA_ASSIGN(std::string table_name, text_member(line, "table"));
  DMSKAFKA_ASSIGN(const Operation operation, operation_of(line));
  DMSKAFKA_ASSIGN(const JsonValue* row, row_member(line, "row"));
  DMSKAFKA_ASSIGN(const JsonValue* before, row_member(line, "before"));
  if (operation == Operation::kDelete && before == nullptr) before = std::exchange(row, nullptr);
  if ((operation == Operation::kDelete ? before : row) == nullptr)
    return wrong(line, "the line has no \"row\"").expected(R"("row": {...})");

  std::shared_ptr<const TableSchema>& known = tables_[TableName{schema_name, table_name}];
  if (known == nullptr) {
    auto fresh = std::make_shared<TableSchema>();
    fresh->name = {std::move(schema_name), std::move(table_name)};
    known = std::move(fresh);
  }
  DMSKAFKA_TRY(extend(line, known));
  batch_.clear();
  Row result{known, {}};
  result.change.operation = operation;
  result.change.table = known.get();
  if (operation != Operation::kDelete) {
    DMSKAFKA_ASSIGN(result.change.after, values_of(row, line.find_present("unchanged-columns"), *known));
  }
  DMSKAFKA_ASSIGN(result.change.before, values_of(before, nullptr, *known));
  if (operation != Operation::kLoad) DMSKAFKA_TRY(read_transaction(line, now, result.change));
  return result;
}

Result<void> InputRows::extend(const JsonValue& line, std::shared_ptr<const TableSchema>& schema) const {
  TableSchema now = *schema;
  add_columns(line.find_present("row"), now);
  add_columns(line.find_present("before"), now);
  if (const JsonValue* types = line.find_present("types"); types != nullptr)
    DMSKAFKA_TRY(set_types(*types, now));
  if (const JsonValue* key = line.find_present("primary-key"); key != nullptr)
    DMSKAFKA_TRY(set_key(*key, now));
  if (const JsonValue* identity = line.find_present("replica-identity"); identity != nullptr)
    DMSKAFKA_TRY(set_identity(*identity, now));
  if (!same_table(now, *schema)) schema = std::make_shared<const TableSchema>(std::move(now));
  return {};
}

// A column that the line lacks is not known, as in a log that does not carry it.
Result<RowView> InputRows::values_of(const JsonValue* row, const JsonValue* unchanged,
                                     const TableSchema& schema) {
  if (row == nullptr) return RowView();
  const std::span<Value> values = batch_.allocate_values(schema.columns.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const JsonValue* value = row->find(schema.columns[i].name);
    values[i] = value == nullptr ? Value() : value_of(*value, schema.columns[i], batch_);
  }
  if (unchanged == nullptr) return RowView(values);
  if (!unchanged->is_array()) {
    return wrong(*unchanged, fmt::format("unchanged-columns is {}", json_kind_name(unchanged->kind())))
        .expected("an array of columns");
  }
  for (const JsonValue& name : unchanged->items()) {
    const auto column = name.is_string() ? schema.find_column(name.string()) : std::nullopt;
    if (!column) return wrong(name, "unchanged-columns names a column that the table does not have");
    values[*column] = Value(ValueForm::kUnchanged, nullptr, 0);
  }
  return RowView(values);
}

// Each change is a transaction of its own unless it says otherwise.
Result<void> InputRows::read_transaction(const JsonValue& line, WallTime now, Change& change) {
  ++changes_;
  SourceTransaction& transaction = batch_.add_transaction();
  transaction.commit_time = now;
  DMSKAFKA_ASSIGN(transaction.id, number_member(line, "transaction-id", changes_));
  DMSKAFKA_ASSIGN(change.transaction_record, number_member(line, "transaction-record-id", 1));
  if (const JsonValue* commit = line.find_present("commit-timestamp"); commit != nullptr) {
    const auto time = commit->is_string() ? time_of(commit->string()) : std::nullopt;
    if (!time)
      return wrong(*commit, "commit-timestamp is no time of this form")
          .expected("\"2024-01-01T00:00:00.000000Z\"");
    transaction.commit_time = *time;
  }
  if (transaction.id != last_.id) before_last_ = last_;
  transaction.previous_id = before_last_.id;
  transaction.previous_record = before_last_.record;
  last_ = {transaction.id, change.transaction_record};
  change.stream_position = batch_.store(fmt::format("{}:{}", name_, line_));
  if (line.find_present("stream-position") != nullptr) {
    DMSKAFKA_ASSIGN(const std::string position, text_member(line, "stream-position"));
    change.stream_position = batch_.store(position);
  }
  change.transaction = &transaction;
  return {};
}

}  // namespace dmskafka
