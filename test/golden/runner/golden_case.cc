#include "test/golden/runner/golden_case.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "core/json/json_reader.h"

namespace dmskafka {

namespace {

struct NamedKind {
  std::string_view name;
  ValueKind kind;
};
constexpr std::array kKinds = {
    NamedKind{"integer", ValueKind::kInteger},
    NamedKind{"float4", ValueKind::kFloat4},
    NamedKind{"float8", ValueKind::kFloat8},
    NamedKind{"decimal", ValueKind::kDecimal},
    NamedKind{"decimal-as-string", ValueKind::kDecimalAsString},
    NamedKind{"money", ValueKind::kMoney},
    NamedKind{"boolean-as-string", ValueKind::kBooleanAsString},
    NamedKind{"boolean", ValueKind::kBoolean},
    NamedKind{"string", ValueKind::kString},
    NamedKind{"blank-trimmed-string", ValueKind::kBlankTrimmedString},
    NamedKind{"date", ValueKind::kDate},
    NamedKind{"timestamp", ValueKind::kTimestamp},
    NamedKind{"timestamp-utc", ValueKind::kTimestampUtc},
    NamedKind{"time", ValueKind::kTime},
    NamedKind{"time-with-zone", ValueKind::kTimeWithZone},
    NamedKind{"hex-bytes", ValueKind::kHexBytes},
    NamedKind{"dynamic", ValueKind::kDynamic},
};
constexpr int kDmsTypes = static_cast<int>(DmsType::kString) + 1;

struct NamedControl {
  std::string_view name;
  ControlOperation operation;
};
constexpr std::array kControls = {
    NamedControl{"drop-table", ControlOperation::kDropTable},
    NamedControl{"create-table", ControlOperation::kCreateTable},
    NamedControl{"truncate-table", ControlOperation::kTruncateTable},
};

struct NamedOldRow {
  std::string_view name;
  OldRow old_row;
};
constexpr std::array kOldRows = {
    NamedOldRow{"whole", OldRow::kWhole},        NamedOldRow{"full", OldRow::kFull},
    NamedOldRow{"key", OldRow::kKeyWhenChanged}, NamedOldRow{"other", OldRow::kOtherColumns},
    NamedOldRow{"nothing", OldRow::kNothing},
};

struct NamedOperation {
  std::string_view name;
  Operation operation;
};
constexpr std::array kOperations = {
    NamedOperation{"load", Operation::kLoad},
    NamedOperation{"insert", Operation::kInsert},
    NamedOperation{"update", Operation::kUpdate},
    NamedOperation{"delete", Operation::kDelete},
};

// A mistake in a test's own file ends the run: there is nobody to report it to but who wrote the case.
[[noreturn]] void give_up(const JsonValue& value, std::string_view what) {
  std::fprintf(stderr, "%s\n",
               Error(ErrorCode::kInternal, std::string(what)).at(value.location()).to_string().c_str());
  std::exit(2);
}

template <typename Named, std::size_t size>
const Named& named(const std::array<Named, size>& list, const JsonValue& value) {
  for (const Named& entry : list) {
    if (value.is_string() && entry.name == value.string()) return entry;
  }
  give_up(value, "unknown word");
}

std::string text_of(const JsonValue& object, std::string_view member, std::string fallback) {
  const JsonValue* value = object.find(member);
  return value == nullptr ? std::move(fallback) : std::string(value->string());
}

template <typename Number>
Number number_of(const JsonValue& value) {
  Number number = 0;
  const std::string_view text = value.number_text();
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

WallTime time_of(const std::string& text, const JsonValue& place) {
  int year = 0;
  unsigned month = 0, day = 0, hour = 0, minute = 0, second = 0, micros = 0;
  if (std::sscanf(text.c_str(), "%4d-%2u-%2uT%2u:%2u:%2u.%6uZ", &year, &month, &day, &hour, &minute, &second,
                  &micros) != 7) {
    give_up(place, "a time needs the form 2025-06-10T11:28:47.326434Z");
  }
  using namespace std::chrono;
  const sys_days date = std::chrono::year(year) / std::chrono::month(month) / std::chrono::day(day);
  const auto point = date + std::chrono::hours(hour) + std::chrono::minutes(minute) +
                     std::chrono::seconds(second) + microseconds(micros);
  return WallTime{duration_cast<microseconds>(point.time_since_epoch()).count()};
}

std::string bytes_of_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    unsigned byte = 0;
    std::from_chars(hex.data() + i, hex.data() + i + 2, byte, 16);
    bytes += static_cast<char>(byte);
  }
  return bytes;
}

DmsType dms_type_of(const JsonValue& value) {
  for (int i = 0; i < kDmsTypes; ++i) {
    if (dms_type_name(static_cast<DmsType>(i)) == value.string()) return static_cast<DmsType>(i);
  }
  give_up(value, "unknown type");
}

ColumnSchema column_of(const JsonValue& json) {
  ColumnSchema column;
  for (const JsonMember& member : json.members()) {
    const JsonValue& value = member.value;
    if (member.name == "name")
      column.name = value.string();
    else if (member.name == "type")
      column.type = dms_type_of(value);
    else if (member.name == "kind")
      column.value_kind = named(kKinds, value).kind;
    else if (member.name == "length")
      column.length = number_of<std::uint32_t>(value);
    else if (member.name == "precision")
      column.precision = number_of<std::uint32_t>(value);
    else if (member.name == "scale")
      column.scale = number_of<std::uint32_t>(value);
    else if (member.name == "nullable")
      column.nullable = value.boolean();
    else if (member.name == "lob")
      column.lob = value.boolean();
    else if (member.name == "collation")
      column.collation = value.string();
    else if (member.name == "number")
      column.number = number_of<std::uint32_t>(value);
    else
      give_up(value, "unknown member of a column");
  }
  return column;
}

TableSchema schema_of(const JsonValue& json) {
  TableSchema schema;
  schema.name = {text_of(json, "schema", ""), text_of(json, "name", "")};
  for (const JsonValue& column : json.find("columns")->items()) schema.columns.push_back(column_of(column));
  if (const JsonValue* old = json.find("old-row"); old != nullptr) {
    schema.old_row = named(kOldRows, *old).old_row;
  }
  if (const JsonValue* key = json.find("primary-key"); key != nullptr) {
    for (const JsonValue& name : key->items()) {
      const auto index = schema.find_column(name.string());
      if (!index) give_up(name, "no such column");
      schema.primary_key.push_back(*index);
    }
  }
  return schema;
}

}  // namespace

class GoldenReader {
 public:
  explicit GoldenReader(GoldenCase& golden) : golden_(golden) {}

  void read(const JsonValue& root) {
    golden_.task_id = text_of(root, "task-id", "TASK");
    golden_.timestamp = time_of(text_of(root, "timestamp", "2024-01-01T00:00:00.000001Z"), root);
    golden_.schema = std::make_shared<const TableSchema>(schema_of(*root.find("table")));
    if (const JsonValue* catalog = root.find("catalog"); catalog != nullptr) {
      for (const JsonValue& table : catalog->items()) {
        golden_.catalog.push_back(
            {{text_of(table, "schema", ""), text_of(table, "name", "")}, TableKind::kTable});
      }
    }
    golden_.now_ = golden_.schema;
    for (const JsonValue& record : root.find("records")->items())
      golden_.records.push_back(record_of(record));
  }

 private:
  GoldenRecord record_of(const JsonValue& json) {
    GoldenRecord record;
    const JsonMember& first = json.members().front();
    if (first.name == "control") {
      record.control = named(kControls, first.value).operation;
      return record;
    }
    if (first.name == "event") {
      record.event = named(kControls, first.value).operation;
      return record;
    }
    if (first.name == "start") {
      record.start = first.value.string() == "first" ? TaskStart::kFirst : TaskStart::kResumed;
      return record;
    }
    if (first.name == "alter") {
      golden_.now_ = std::make_shared<const TableSchema>(schema_of(first.value));
      record.altered = golden_.now_;
      return record;
    }
    record.change.table = golden_.now_.get();
    for (const NamedOperation& operation : kOperations) {
      if (operation.name != first.name) continue;
      record.change.operation = operation.operation;
      const RowView row = row_of(first.value);
      (operation.operation == Operation::kDelete ? record.change.before : record.change.after) = row;
      if (const JsonValue* before = json.find("before"); before != nullptr) {
        record.change.before = row_of(*before);
      }
      if (const JsonValue* transaction = json.find("transaction"); transaction != nullptr) {
        read_transaction(*transaction, record.change);
      }
      return record;
    }
    give_up(json, "unknown operation");
  }

  void read_transaction(const JsonValue& json, Change& change) {
    SourceTransaction& transaction = golden_.transactions_.emplace_back();
    transaction.id = number_of<std::uint64_t>(*json.find("id"));
    if (const JsonValue* commit = json.find("commit"); commit != nullptr) {
      transaction.commit_time = time_of(std::string(commit->string()), *commit);
    }
    if (const JsonValue* number = json.find("record"); number != nullptr) {
      change.transaction_record = number_of<std::uint64_t>(*number);
    }
    if (const JsonValue* previous = json.find("previous"); previous != nullptr) {
      transaction.previous_id = number_of<std::uint64_t>(*previous);
      transaction.previous_record = number_of<std::uint64_t>(*json.find("previous-record"));
    }
    change.stream_position = golden_.texts_.emplace_back(text_of(json, "position", ""));
    change.transaction = &transaction;
  }

  RowView row_of(const JsonValue& json) {
    std::vector<Value>& row = golden_.rows_.emplace_back();
    for (const JsonValue& value : json.items()) row.push_back(value_of(value));
    if (row.size() != golden_.now_->columns.size()) give_up(json, "a row needs a value for every column");
    return row;
  }

  Value value_of(const JsonValue& json) {
    if (json.is_null()) return Value::null();
    if (json.is_string()) return keep(ValueForm::kText, std::string(json.string()));
    if (!json.is_object() || json.members().size() != 1)
      give_up(json, "a value is a string, null or an object");
    const JsonMember& form = json.members().front();
    if (form.name == "hex") return keep(ValueForm::kText, bytes_of_hex(form.value.string()));
    if (form.name == "bytes") return keep(ValueForm::kBytes, bytes_of_hex(form.value.string()));
    if (form.name == "integer") return keep(ValueForm::kInteger, std::string(form.value.string()));
    if (form.name == "absent") return Value();
    if (form.name == "unchanged") return Value(ValueForm::kUnchanged, nullptr, 0);
    if (form.name != "real") give_up(json, "unknown form of a value");
    const double real = std::strtod(std::string(form.value.string()).c_str(), nullptr);
    std::string bytes(sizeof real, '\0');
    std::memcpy(bytes.data(), &real, sizeof real);
    return keep(ValueForm::kReal, std::move(bytes));
  }

  Value keep(ValueForm form, std::string text) {
    const std::string& kept = golden_.texts_.emplace_back(std::move(text));
    return {form, kept.data(), static_cast<std::uint32_t>(kept.size())};
  }

  GoldenCase& golden_;
};

Result<std::unique_ptr<GoldenCase>> GoldenCase::read(const std::filesystem::path& file) {
  DMSKAFKA_ASSIGN(const JsonDocument document, JsonDocument::parse_file(file.string()));
  auto golden = std::make_unique<GoldenCase>();
  GoldenReader(*golden).read(document.root());
  return golden;
}

bool GoldenCase::follows_changes() const {
  for (const GoldenRecord& record : records) {
    if (!record.control && (record.change.table == nullptr || record.change.operation != Operation::kLoad)) {
      return true;
    }
  }
  return false;
}

}  // namespace dmskafka
