#include "mapping/expression.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "core/base/digest.h"
#include "mapping/row_text.h"

namespace dmskafka {

namespace {

struct StatementDeleter {
  void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, StatementDeleter>;

std::string_view text_of(sqlite3_value* value) {
  const unsigned char* text = sqlite3_value_text(value);
  return {reinterpret_cast<const char*>(text), static_cast<std::size_t>(sqlite3_value_bytes(value))};
}

// As in masks: upper-case hex.
void hash_sha256(sqlite3_context* context, int, sqlite3_value** arguments) noexcept {
  if (sqlite3_value_type(arguments[0]) == SQLITE_NULL) return sqlite3_result_null(context);
  try {
    std::string hex = sha256_hex(text_of(arguments[0]));
    for (char& c : hex) c = c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c;
    sqlite3_result_text(context, hex.data(), static_cast<int>(hex.size()), SQLITE_TRANSIENT);
  } catch (const std::exception&) {
    sqlite3_result_error_nomem(context);
  }
}

// replaceChars(X,Y,Z): each character of X that stands in Y becomes the one at its place in Z, or goes when Z is shorter.
// Bytes suffice for ASCII in Y and Z; others are left as they are.
void replace_chars(sqlite3_context* context, int, sqlite3_value** arguments) noexcept {
  if (sqlite3_value_type(arguments[0]) == SQLITE_NULL) return sqlite3_result_null(context);
  try {
    const std::string_view from = text_of(arguments[1]);
    const std::string_view to = text_of(arguments[2]);
    std::string result;
    for (const char c : text_of(arguments[0])) {
      const std::size_t at = from.find(c);
      if (at == std::string_view::npos) {
        result += c;
      } else if (at < to.size()) {
        result += to[at];
      }
    }
    sqlite3_result_text(context, result.data(), static_cast<int>(result.size()), SQLITE_TRANSIENT);
  } catch (const std::exception&) {
    sqlite3_result_error_nomem(context);
  }
}

// SPEC: operation_indicator(value_on_delete, value_on_update, value_on_insert). A loaded row counts as inserted.
void operation_indicator(sqlite3_context* context, int, sqlite3_value** arguments) noexcept {
  switch (*static_cast<const Operation*>(sqlite3_user_data(context))) {
    case Operation::kDelete: return sqlite3_result_value(context, arguments[0]);
    case Operation::kUpdate: return sqlite3_result_value(context, arguments[1]);
    case Operation::kInsert:
    case Operation::kLoad: return sqlite3_result_value(context, arguments[2]);
  }
}

std::string_view operation_text(Operation operation) noexcept {
  switch (operation) {
    case Operation::kLoad:
    case Operation::kInsert: return "INSERT";
    case Operation::kUpdate: return "UPDATE";
    case Operation::kDelete: return "DELETE";
  }
  return "";
}

int bind_text(sqlite3_stmt* statement, int index, std::string_view text) {
  return sqlite3_bind_text(statement, index, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
}

// An expression compares and computes: a number must come as one, since SQLite orders every text after every number.
int bind_number(sqlite3_stmt* statement, int index, std::string_view text) {
  std::int64_t integer = 0;
  const char* const end = text.data() + text.size();
  if (const auto parsed = std::from_chars(text.data(), end, integer);
      parsed.ec == std::errc() && parsed.ptr == end) {
    return sqlite3_bind_int64(statement, index, integer);
  }
  double real = 0;
  if (const auto parsed = std::from_chars(text.data(), end, real);
      parsed.ec == std::errc() && parsed.ptr == end) {
    return sqlite3_bind_double(statement, index, real);
  }
  return bind_text(statement, index, text);
}

int bind_shown(sqlite3_stmt* statement, int index, const ExpressionVariable& variable, const Value& value,
               bool number, ByteBuffer& work) {
  work.clear();
  append_plain_text(variable.format, value, work);
  return number ? bind_number(statement, index, work.view()) : bind_text(statement, index, work.view());
}

int bind_hex(sqlite3_stmt* statement, int index, std::string_view text) {
  if (!text.starts_with("\\x")) return bind_text(statement, index, text);
  std::string bytes;
  for (std::size_t i = 2; i + 1 < text.size(); i += 2) {
    unsigned byte = 0;
    std::from_chars(text.data() + i, text.data() + i + 2, byte, 16);
    bytes += static_cast<char>(byte);
  }
  return sqlite3_bind_blob(statement, index, bytes.data(), static_cast<int>(bytes.size()), SQLITE_TRANSIENT);
}

int bind_column(sqlite3_stmt* statement, int index, const ExpressionVariable& variable, const Value& value,
                ByteBuffer& work) {
  const std::string_view text = value.view();
  switch (value.form()) {
    case ValueForm::kAbsent:
    case ValueForm::kUnchanged:
    case ValueForm::kNull: return sqlite3_bind_null(statement, index);
    case ValueForm::kInteger: return bind_number(statement, index, text);
    case ValueForm::kReal: {
      double real = 0;
      std::memcpy(&real, text.data(), sizeof real);
      return sqlite3_bind_double(statement, index, real);
    }
    case ValueForm::kBytes:
      return sqlite3_bind_blob(statement, index, text.data(), static_cast<int>(text.size()),
                               SQLITE_TRANSIENT);
    case ValueForm::kText: break;
  }
  switch (variable.format.kind) {
    case ValueKind::kInteger:
    case ValueKind::kFloat4:
    case ValueKind::kFloat8:
    case ValueKind::kDecimal:
    case ValueKind::kDecimalAsString: return bind_number(statement, index, text);
    case ValueKind::kMoney: return bind_shown(statement, index, variable, value, true, work);
    case ValueKind::kBoolean:
      return sqlite3_bind_int(statement, index, text == "t" || text == "1" || text == "true" ? 1 : 0);
    case ValueKind::kBooleanAsString:
    case ValueKind::kBlankTrimmedString: return bind_shown(statement, index, variable, value, false, work);
    case ValueKind::kTimestampUtc:
      return bind_text(statement, index, text.ends_with("+00") ? text.substr(0, text.size() - 3) : text);
    case ValueKind::kHexBytes: return bind_hex(statement, index, text);
    case ValueKind::kString:
    case ValueKind::kDate:
    case ValueKind::kTimestamp:
    case ValueKind::kTime:
    case ValueKind::kTimeWithZone:
    case ValueKind::kDynamic: return bind_text(statement, index, text);
  }
  return SQLITE_ERROR;
}

// "2024-01-01 00:00:00.000001", as SQLite's own date functions read it.
int bind_time(sqlite3_stmt* statement, int index, WallTime time) {
  std::string text(kIso8601Size, ' ');
  format_iso8601(time, text.data());
  text[10] = ' ';
  text.pop_back();
  return bind_text(statement, index, text);
}

// SPEC AR_H_CHANGE_SEQ: 35 digits, 16 of time (to the hundredth of a second) and 19 that count on. Ours are made of what the
// change itself says, so that a change sent again has the same: the transaction's id and the record's number within it.
// REQUIRES: a change, not a loaded row.
std::string change_sequence(const Change& change) {
  std::string time(kIso8601Size, ' ');  // 2024-01-01T00:00:00.000001Z
  format_iso8601(change.transaction->commit_time, time.data());
  std::string digits;
  for (const char c : time) {
    if (c >= '0' && c <= '9' && digits.size() < 16) digits += c;
  }
  constexpr std::uint64_t kTransactions = 10'000'000'000;
  constexpr std::uint64_t kRecords = 1'000'000'000;
  return fmt::format("{}{:010}{:09}", digits, change.transaction->id % kTransactions,
                     change.transaction_record % kRecords);
}

Error expression_error(std::string what) { return Error(ErrorCode::kInvalidMapping, std::move(what)); }

}  // namespace

constexpr int kValueBytesMax = 64 << 20;
constexpr int kInstructionsStep = 100'000;  // of SQLite's machine
constexpr int kStepsMax = 100;              // for one row

// A database in memory without a table: only its expressions are of use.
class PreparedExpressions::Connection {
 public:
  Connection() {
    sqlite3* database = nullptr;
    const int opened = sqlite3_open_v2(
        ":memory:", &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
    database_.reset(database);
    if (opened != SQLITE_OK) return;
    // An expression that never ends, or grows without end, fails like any other: it gives NULL and is counted.
    sqlite3_limit(database_.get(), SQLITE_LIMIT_LENGTH, kValueBytesMax);
    sqlite3_progress_handler(database_.get(), kInstructionsStep, &Connection::count_instructions, this);
    usable_ = add("hash_sha256", 1, hash_sha256) && add("replaceChars", 3, replace_chars) &&
              add("operation_indicator", 3, operation_indicator);
  }

  /// Null, with the reason in `fault`, when SQLite does not take it.
  Statement prepare(const std::string& sql, std::string& fault) {
    sqlite3_stmt* statement = nullptr;
    const char* tail = nullptr;
    if (!usable_) return fault = "SQLite has no memory", nullptr;
    const int prepared = sqlite3_prepare_v2(database_.get(), sql.c_str(), -1, &statement, &tail);
    Statement owned(statement);
    if (prepared != SQLITE_OK) return fault = sqlite3_errmsg(database_.get()), nullptr;
    if (owned == nullptr || *tail != '\0') return fault = "more than one expression", nullptr;
    if (sqlite3_column_count(owned.get()) != 1) return fault = "more than one value", nullptr;
    return owned;
  }

  std::optional<Value> evaluate(sqlite3_stmt* statement, const Expression& expression, const Change& change,
                                RowView row, WallTime now, ByteBuffer& bytes) {
    operation_ = change.operation;
    steps_ = 0;
    sqlite3_reset(statement);
    for (std::size_t i = 0; i < expression.variables().size(); ++i) {
      const int bound = bind(statement, static_cast<int>(i) + 1, expression.variables()[i], change, row, now);
      if (bound != SQLITE_OK) return std::nullopt;
    }
    if (sqlite3_step(statement) != SQLITE_ROW) return sqlite3_reset(statement), std::nullopt;
    const Value value = take_result(statement, bytes);
    sqlite3_reset(statement);
    return value;
  }

 private:
  struct DatabaseDeleter {
    void operator()(sqlite3* database) const noexcept { sqlite3_close_v2(database); }
  };

  static int count_instructions(void* self) noexcept {
    return ++static_cast<Connection*>(self)->steps_ > kStepsMax ? 1 : 0;
  }

  bool add(const char* name, int arguments, void (*function)(sqlite3_context*, int, sqlite3_value**)) {
    return sqlite3_create_function_v2(database_.get(), name, arguments, SQLITE_UTF8 | SQLITE_INNOCUOUS,
                                      &operation_, function, nullptr, nullptr, nullptr) == SQLITE_OK;
  }

  int bind(sqlite3_stmt* statement, int index, const ExpressionVariable& variable, const Change& change,
           RowView row, WallTime now) {
    switch (variable.kind) {
      case ExpressionVariable::Kind::kColumn:
        if (!variable.old) return bind_column(statement, index, variable, row[variable.slot], work_);
        if (change.operation != Operation::kUpdate || change.before.empty()) {
          return sqlite3_bind_null(statement, index);
        }
        return bind_column(statement, index, variable, change.before[variable.slot], work_);
      case ExpressionVariable::Kind::kText: return bind_text(statement, index, variable.text);
      case ExpressionVariable::Kind::kStreamPosition:
        if (change.transaction == nullptr) return sqlite3_bind_null(statement, index);
        return bind_text(statement, index, change.stream_position);
      case ExpressionVariable::Kind::kTimestamp: return bind_time(statement, index, now);
      case ExpressionVariable::Kind::kCommitTimestamp:
        return bind_time(statement, index,
                         change.transaction != nullptr ? change.transaction->commit_time : now);
      case ExpressionVariable::Kind::kOperation:
        return bind_text(statement, index, operation_text(change.operation));
      case ExpressionVariable::Kind::kChangeSequence:
        if (change.transaction == nullptr) return sqlite3_bind_null(statement, index);
        return bind_text(statement, index, change_sequence(change));
      case ExpressionVariable::Kind::kUser: return sqlite3_bind_null(statement, index);
    }
    return SQLITE_ERROR;
  }

  static Value take_result(sqlite3_stmt* statement, ByteBuffer& bytes) {
    bytes.clear();
    ValueForm form = ValueForm::kText;
    switch (sqlite3_column_type(statement, 0)) {
      case SQLITE_NULL: return Value::null();
      case SQLITE_INTEGER: form = ValueForm::kInteger; break;
      case SQLITE_BLOB: form = ValueForm::kBytes; break;
      case SQLITE_FLOAT: {
        const double real = sqlite3_column_double(statement, 0);
        std::memcpy(bytes.reserve(sizeof real), &real, sizeof real);
        bytes.advance(sizeof real);
        return {ValueForm::kReal, bytes.data(), sizeof real};
      }
      default: break;
    }
    const void* data = form == ValueForm::kBytes
                           ? sqlite3_column_blob(statement, 0)
                           : static_cast<const void*>(sqlite3_column_text(statement, 0));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, 0));
    if (size != 0) bytes.append(std::string_view(static_cast<const char*>(data), size));
    return {form, bytes.data(), static_cast<std::uint32_t>(size)};
  }

  std::unique_ptr<sqlite3, DatabaseDeleter> database_;

 public:
  std::vector<Statement> statements;  // after the database, so that they go before it
  std::vector<Expression> expressions;

 private:
  bool usable_ = false;
  int steps_ = 0;                           // of the row in work
  Operation operation_ = Operation::kLoad;  // of the row in work, for operation_indicator()
  ByteBuffer work_;
};

Result<Expression> Expression::compile(std::string_view text, const Resolver& resolve) {
  Expression expression;
  expression.sql_ = fmt::format("SELECT ({}\n)", text);  // a comment at its end must not swallow the bracket
  std::string fault;
  PreparedExpressions prepared({});
  const Statement statement = prepared.connection_->prepare(expression.sql_, fault);
  if (statement == nullptr)
    return expression_error(fmt::format("the expression is no SQLite expression: {}", fault));
  const int count = sqlite3_bind_parameter_count(statement.get());
  for (int i = 1; i <= count; ++i) {
    const char* name = sqlite3_bind_parameter_name(statement.get(), i);
    if (name == nullptr || name[0] != '$') {
      return expression_error(
                 fmt::format("the expression holds the parameter \"{}\"", name == nullptr ? "?" : name))
          .expected("$COLUMN");
    }
    auto variable = resolve(name + 1);
    if (!variable) return expression_error(fmt::format("the expression names {}, which nobody knows", name));
    expression.variables_.push_back(std::move(*variable));
  }
  return expression;
}

Result<std::string> Expression::constant_text() const {
  PreparedExpressions prepared({this, 1});
  ByteBuffer bytes;
  const auto value = prepared.evaluate(0, Change(), {}, WallTime(), bytes);
  if (!value || (value->form() != ValueForm::kText && value->form() != ValueForm::kInteger) ||
      value->view().empty()) {
    return expression_error("the expression gives no name");
  }
  return std::string(value->view());
}

PreparedExpressions::PreparedExpressions(std::span<const Expression> expressions)
    : connection_(std::make_unique<Connection>()) {
  std::string fault;
  for (const Expression& expression : expressions) {
    connection_->statements.push_back(connection_->prepare(expression.sql(), fault));
    connection_->expressions.push_back(expression);
  }
}
PreparedExpressions::PreparedExpressions(PreparedExpressions&&) noexcept = default;
PreparedExpressions::~PreparedExpressions() = default;

std::optional<Value> PreparedExpressions::evaluate(std::size_t index, const Change& change, RowView row,
                                                   WallTime now, ByteBuffer& bytes) {
  const Statement& statement = connection_->statements[index];
  if (statement == nullptr) return std::nullopt;
  return connection_->evaluate(statement.get(), connection_->expressions[index], change, row, now, bytes);
}

}  // namespace dmskafka
