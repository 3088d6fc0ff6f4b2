#include "mapping/transform_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "mapping/before_image.h"
#include "mapping/expression.h"

namespace dmskafka {

namespace {

using Action = TransformationAction;

// ASCII only, like the databases' own folding of names.
std::string cased(std::string text, bool upper) {
  for (char& c : text) {
    if (upper && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (!upper && c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

// REQUIRES: the rule names its object, and not by an expression.
std::string renamed(const TransformationRule& rule, const std::string& name) {
  switch (rule.action) {
    case Action::kRename: return rule.value;
    case Action::kConvertLowercase: return cased(name, false);
    case Action::kConvertUppercase: return cased(name, true);
    case Action::kAddPrefix: return rule.value + name;
    case Action::kAddSuffix: return name + rule.value;
    case Action::kRemovePrefix: return name.starts_with(rule.value) ? name.substr(rule.value.size()) : name;
    case Action::kRemoveSuffix:
      return name.ends_with(rule.value) ? name.substr(0, name.size() - rule.value.size()) : name;
    case Action::kReplacePrefix:
      return name.starts_with(rule.old_value) ? rule.value + name.substr(rule.old_value.size()) : name;
    case Action::kReplaceSuffix:
      return name.ends_with(rule.old_value) ? name.substr(0, name.size() - rule.old_value.size()) + rule.value
                                            : name;
    case Action::kAddColumn:
    case Action::kIncludeColumn:
    case Action::kRemoveColumn:
    case Action::kChangeDataType:
    case Action::kDefinePrimaryKey:
    case Action::kAddBeforeImageColumns:
    case Action::kDigitsMask:
    case Action::kDigitsRandomize:
    case Action::kHashMask: break;
  }
  return name;
}

// 'text' or a number: no expression is needed for it.
std::optional<std::pair<ValueForm, std::string>> literal_of(std::string_view expression) {
  while (!expression.empty() && expression.front() == ' ') expression.remove_prefix(1);
  while (!expression.empty() && expression.back() == ' ') expression.remove_suffix(1);
  if (expression.size() >= 2 && expression.front() == '\'' && expression.back() == '\'') {
    std::string text;
    const std::string_view inner = expression.substr(1, expression.size() - 2);
    for (std::size_t i = 0; i < inner.size(); ++i) {
      if (inner[i] == '\'' && (++i == inner.size() || inner[i] != '\'')) return std::nullopt;
      text += inner[i];
    }
    return std::pair(ValueForm::kText, text);
  }
  const bool digits = !expression.empty() && std::all_of(expression.begin(), expression.end(),
                                                         [](char c) { return c >= '0' && c <= '9'; });
  if (!digits || expression.size() > 18) return std::nullopt;
  return std::pair(ValueForm::kText, std::string(expression));
}

class Transformer {
 public:
  Transformer(const TableSchema& source, std::span<const TransformationRule> rules,
              const ValueSettings& settings, OldRows old_rows)
      : source_(source), rules_(rules), settings_(settings), old_rows_(old_rows), name_(source.name) {
    for (std::uint32_t i = 0; i < source.columns.size(); ++i) {
      columns_.push_back({source.columns[i], i, source.columns[i].name, source.columns[i].name});
    }
  }

  Result<TransformedTable> run() {
    for (const TransformationRule& rule : rules_) {
      if (!rule.locator.matches(source_.name, source_.kind)) continue;
      if (rule.target != TransformationTarget::kColumn) met_by_.push_back(rule.id);
      switch (rule.target) {
        case TransformationTarget::kSchema: DMSKAFKA_TRY(name_schema(rule)); break;
        case TransformationTarget::kTable: DMSKAFKA_TRY(change_table(rule)); break;
        case TransformationTarget::kColumn: DMSKAFKA_TRY(change_columns(rule)); break;
      }
    }
    return finish();
  }

 private:
  struct Column {
    ColumnSchema schema;
    std::uint32_t slot;
    std::string match_name;   // by which locators know it: the source's name, or the name of add-column
    std::string source_name;  // "" when added
    const TransformationRule* named_by = nullptr;
    const TransformationRule* masked_by = nullptr;
    const TransformationRule* retyped_by = nullptr;
    const TransformationRule* added_by = nullptr;
    std::optional<std::size_t> old_of = {};                 // the column whose old value it is
    std::vector<const TransformationRule*> own_rules = {};  // old values: applied once their column is final
    bool included = false;
    bool removed = false;
  };

  void warn_overruled(const TransformationRule& rule, const TransformationRule& winner,
                      const std::string& object) {
    warnings_.push_back(
        Error(ErrorCode::kInvalidMapping,
              fmt::format("{} of {} has no effect on {}: rule {} comes first",
                          transformation_action_name(rule.action), source_.name.text(), object, winner.id))
            .at(rule.defined_at));
  }

  std::optional<ExpressionVariable> name_variable(std::string_view name, const Column* column) const {
    ExpressionVariable variable;
    if (name == "SCHEMA_NAME_VAR" || name == "AR_M_SOURCE_SCHEMA") {
      variable.text = source_.name.schema;
    } else if (name == "TABLE_NAME_VAR" || name == "AR_M_SOURCE_TABLE_NAME") {
      variable.text = source_.name.table;
    } else if (column != nullptr && (name == "COLUMN_NAME_VAR" || name == "AR_M_SOURCE_COLUMN_NAME")) {
      variable.text = column->match_name;
    } else if (column != nullptr && name == "AR_M_SOURCE_COLUMN_DATATYPE") {
      variable.text = column->schema.source_type;
    } else {
      return std::nullopt;
    }
    return variable;
  }

  Result<std::string> new_name(const TransformationRule& rule, const std::string& name,
                               const Column* column) const {
    std::string result;
    if (rule.expression) {
      auto expression = Expression::compile(
          *rule.expression, [&](std::string_view variable) { return name_variable(variable, column); });
      if (!expression) return std::move(expression).error().at(rule.value_at);
      auto text = expression->constant_text();
      if (!text) return std::move(text).error().at(rule.value_at);
      result = std::move(*text);
    } else {
      result = renamed(rule, name);
    }
    if (!result.empty()) return result;
    return Error(ErrorCode::kInvalidMapping,
                 fmt::format("{} leaves nothing of the name \"{}\" in {}",
                             transformation_action_name(rule.action), name, source_.name.text()))
        .at(rule.defined_at);
  }

  Result<void> name_schema(const TransformationRule& rule) {
    if (schema_named_by_ != nullptr) {
      warn_overruled(rule, *schema_named_by_, fmt::format("schema \"{}\"", source_.name.schema));
      return {};
    }
    schema_named_by_ = &rule;
    DMSKAFKA_ASSIGN(name_.schema, new_name(rule, source_.name.schema, nullptr));
    return {};
  }

  Result<void> change_table(const TransformationRule& rule) {
    const TransformationRule*& before =
        rule.action == Action::kDefinePrimaryKey ? key_defined_by_ : table_named_by_;
    if (before != nullptr) {
      warn_overruled(rule, *before, fmt::format("table \"{}\"", source_.name.table));
      return {};
    }
    before = &rule;
    if (rule.action == Action::kDefinePrimaryKey) return {};
    DMSKAFKA_ASSIGN(name_.table, new_name(rule, source_.name.table, nullptr));
    return {};
  }

  Result<void> change_columns(const TransformationRule& rule) {
    if (rule.action == Action::kAddColumn) {
      met_by_.push_back(rule.id);
      return add_column(rule);
    }
    if (rule.action == Action::kAddBeforeImageColumns) {
      met_by_.push_back(rule.id);
      return add_old_columns(rule), Result<void>();
    }
    bool met = false;
    if (rule.action == Action::kIncludeColumn) includes_ = true;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      Column& column = columns_[i];
      if (!rule.column->matches(column.match_name)) continue;
      if (!rule.locator_type.empty() && !has_data_type(column.schema, rule.locator_type)) continue;
      DMSKAFKA_TRY(change_column(rule, column));
      met = true;
    }
    if (met) met_by_.push_back(rule.id);
    return {};
  }

  Result<void> change_column(const TransformationRule& rule, Column& column) {
    const auto first = [&](const TransformationRule*& before) {
      if (before != nullptr) {
        warn_overruled(rule, *before, fmt::format("column \"{}\"", column.match_name));
        return false;
      }
      before = &rule;
      return true;
    };
    if (names_its_object(rule.action)) {
      if (!first(column.named_by)) return {};
      DMSKAFKA_ASSIGN(column.schema.name, new_name(rule, column.schema.name, &column));
      return {};
    }
    if (rule.action == Action::kIncludeColumn) {
      column.included = true;
    } else if (rule.action == Action::kRemoveColumn) {
      column.removed = true;
    } else if (first(rule.action == Action::kChangeDataType ? column.retyped_by : column.masked_by)) {
      if (column.old_of) {
        column.own_rules.push_back(&rule);
      } else {
        change_values(column, rule);
      }
    }
    return {};
  }

  void change_values(Column& column, const TransformationRule& rule) {
    if (rule.action == Action::kChangeDataType) return retype(column, rule.data_type);
    mask(column, rule);
  }

  // SPEC: "You can then manipulate the columns produced by using other rules": locators know an old value by its name.
  void add_old_columns(const TransformationRule& rule) {
    for (std::size_t i = 0; i < source_.columns.size(); ++i) {
      if (rule.column && !rule.column->matches(columns_[i].match_name)) continue;
      if (!rule.locator_type.empty() && !has_data_type(columns_[i].schema, rule.locator_type)) continue;
      const std::string name = rule.prefix + columns_[i].match_name + rule.suffix;
      const auto same = std::find_if(columns_.begin(), columns_.end(), [&](const Column& column) {
        return column.old_of == i && column.match_name == name;
      });
      if (same != columns_.end()) {
        warn_overruled(rule, *same->added_by, fmt::format("column \"{}\"", columns_[i].match_name));
        continue;
      }
      Column column{columns_[i].schema, 0, name, ""};
      column.schema.name = name;
      column.added_by = &rule;
      column.old_of = i;
      columns_.push_back(std::move(column));
    }
  }

  bool left_out(const Column& column) const {
    return column.removed || (includes_ && !column.included && !column.source_name.empty());
  }

  bool is_key(std::size_t index) const {
    if (key_defined_by_ == nullptr) return source_.is_key_column(static_cast<std::uint32_t>(index));
    return std::any_of(key_defined_by_->key_columns.begin(), key_defined_by_->key_columns.end(),
                       [&](const std::string& name) { return find_column(name) == &columns_[index]; });
  }

  // An old value goes the way of its column: hidden with it, masked and typed like it, named after it.
  void settle_old_columns() {
    for (Column& column : columns_) {
      if (!column.old_of) continue;
      const Column& base = columns_[*column.old_of];
      const TransformationRule& rule = *column.added_by;
      const bool lob = source_.columns[*column.old_of].lob;
      column.removed = column.removed || left_out(base) ||
                       !passes(rule.old_columns, is_key(*column.old_of), lob, settings_.strict);
      const std::string own_name = column.schema.name;
      column.schema = base.schema;
      column.schema.name =
          column.named_by != nullptr ? own_name : rule.prefix + base.schema.name + rule.suffix;
      column.schema.nullable = true;
      column.schema.number = 0;
      column.slot = base.slot;
      for (const TransformationRule* own : column.own_rules) change_values(column, *own);
      if (!column.removed) old_rows_ = OldRows::kShown;
    }
  }

  static void set_type(ColumnSchema& column, const DataType& type) {
    column.type = type.type;
    column.value_kind = type.kind;
    column.lob = type.lob;
    column.length = type.length;
    column.precision = type.precision;
    column.scale = type.scale;
    column.collation.clear();
  }

  // Whole values are computed with; what comes of it is cut like any other column.
  ValueFormat format_of(const ColumnSchema& column) const {
    TableSchema alone;
    alone.columns.push_back(column);
    ValueFormat format = ValueFormat::of(alone, 0, settings_);
    format.lob_bytes_max = 0;
    return format;
  }

  std::uint32_t compute(Computation computation) {
    computations_.push_back(std::move(computation));
    return static_cast<std::uint32_t>(source_.columns.size() + computations_.size() - 1);
  }

  void retype(Column& column, const DataType& type) {
    const bool bytes_stay =
        type.kind == ValueKind::kHexBytes && column.schema.value_kind == ValueKind::kHexBytes;
    if (!bytes_stay) {
      Computation convert{Computation::Kind::kConvert, column.slot, format_of(column.schema)};
      convert.target = type.kind;
      column.slot = compute(std::move(convert));
    }
    set_type(column.schema, type);
  }

  void mask(Column& column, const TransformationRule& rule) {
    const Computation::Kind kind = rule.action == Action::kDigitsMask ? Computation::Kind::kDigitsMask
                                   : rule.action == Action::kDigitsRandomize
                                       ? Computation::Kind::kDigitsRandomize
                                       : Computation::Kind::kHashMask;
    Computation mask{kind, column.slot, format_of(column.schema)};
    mask.text = rule.value;
    column.slot = compute(std::move(mask));
    if (kind != Computation::Kind::kHashMask) return;
    DataType hex;
    hex.length = 64;  // digits of a SHA-256
    set_type(column.schema, hex);
  }

  // A column by the name that rules know it by; SQLite's own names of columns ignore case, too.
  const Column* find_column(std::string_view name) const {
    std::vector<std::string> names;
    for (const Column& column : columns_) names.push_back(column.match_name);
    const ColumnMatch match = find_column_of_rule(name, names);
    return match.index ? &columns_[*match.index] : nullptr;
  }

  std::optional<ExpressionVariable> row_variable(std::string_view name,
                                                 std::span<const ColumnSchema> own) const {
    if (auto variable = name_variable(name, nullptr)) return variable;
    ExpressionVariable variable;
    if (name == "AR_H_STREAM_POSITION") {
      variable.kind = ExpressionVariable::Kind::kStreamPosition;
    } else if (name == "AR_H_TIMESTAMP") {
      variable.kind = ExpressionVariable::Kind::kTimestamp;
    } else if (name == "AR_H_COMMIT_TIMESTAMP") {
      variable.kind = ExpressionVariable::Kind::kCommitTimestamp;
    } else if (name == "AR_H_OPERATION") {
      variable.kind = ExpressionVariable::Kind::kOperation;
    } else if (name == "AR_H_CHANGE_SEQ") {
      variable.kind = ExpressionVariable::Kind::kChangeSequence;
    } else if (name == "AR_H_USER") {
      variable.kind = ExpressionVariable::Kind::kUser;
    } else {
      const Column* column = find_column(name);
      if (column == nullptr) return std::nullopt;
      // The source's value, whatever masks or types the column has by now; an added column's computed one.
      variable.kind = ExpressionVariable::Kind::kColumn;
      variable.old = column->old_of.has_value();
      const bool added = column->source_name.empty() && !variable.old;
      const auto index = static_cast<std::uint32_t>(
          column->old_of.value_or(static_cast<std::size_t>(column - columns_.data())));
      variable.slot = added ? column->slot : index;
      variable.format = format_of(added ? column->schema : own[index]);
    }
    return variable;
  }

  void note_unknown_user(const TransformationRule& rule, const Expression& expression) {
    for (const ExpressionVariable& variable : expression.variables()) {
      if (variable.kind != ExpressionVariable::Kind::kUser) continue;
      warnings_.push_back(
          Error(ErrorCode::kInvalidMapping,
                fmt::format("$AR_H_USER is NULL in {}: the source's log does not say who made a change",
                            source_.name.text()))
              .at(rule.value_at));
      return;
    }
  }

  Result<void> add_column(const TransformationRule& rule) {
    Column column{{}, 0, rule.value, ""};
    column.schema.name = rule.value;
    column.added_by = &rule;
    set_type(column.schema, rule.data_type);
    if (auto literal = literal_of(*rule.expression)) {
      Computation computation{Computation::Kind::kLiteral};
      computation.form = literal->first;
      computation.text = std::move(literal->second);
      column.slot = compute(std::move(computation));
    } else {
      auto expression = Expression::compile(
          *rule.expression, [&](std::string_view name) { return row_variable(name, source_.columns); });
      if (!expression) {
        return std::move(expression).error().at(rule.value_at).while_doing(source_.name.text());
      }
      note_unknown_user(rule, *expression);
      Computation computation{Computation::Kind::kExpression};
      computation.target = rule.data_type.kind;
      computation.expression = static_cast<std::uint32_t>(expressions_.size());
      expressions_.push_back(std::move(*expression));
      column.slot = compute(std::move(computation));
    }
    columns_.push_back(std::move(column));
    return {};
  }

  Result<TransformedTable> finish() {
    settle_old_columns();
    TransformedTable table;
    ShownTable& shown = table.shown;
    shown.schema = source_;
    shown.schema.name = name_;
    shown.schema.columns.clear();
    shown.schema.primary_key.clear();
    std::vector<std::optional<std::uint32_t>> shown_index;
    shown.row_width = static_cast<std::uint32_t>(source_.columns.size() + computations_.size());
    for (const Column& column : columns_) {
      if (left_out(column)) {
        shown_index.push_back(std::nullopt);
        continue;
      }
      shown_index.push_back(static_cast<std::uint32_t>(shown.slots.size()));
      DMSKAFKA_TRY(check_name(column, shown.schema));
      shown.schema.columns.push_back(column.schema);
      shown.slots.push_back(column.slot + (column.old_of ? shown.row_width : 0));
      shown.source_names.push_back(column.source_name);
      shown.old_columns.push_back(std::nullopt);
      if (column.old_of)
        shown.old_columns.back() = {*shown_index[*column.old_of], column.added_by->old_columns};
    }
    DMSKAFKA_TRY(set_key(shown_index, shown.schema));
    for (std::uint32_t i = 0; i < columns_.size(); ++i) {
      if (!shown_index[i] || !shown.schema.is_key_column(*shown_index[i])) continue;
      shown.key_slots.push_back(columns_[i].source_name.empty() ? columns_[i].slot : i);
    }
    const bool adds_old = std::any_of(columns_.begin(), columns_.end(), [this](const Column& column) {
      return column.old_of && !left_out(column);
    });
    if (adds_old || !computations_.empty()) {
      table.computed = std::make_shared<const ComputedColumns>(
          static_cast<std::uint32_t>(source_.columns.size()), std::move(computations_),
          std::move(expressions_), old_rows_);
    }
    table.schema_renamed = schema_named_by_ != nullptr;
    table.rules = std::move(met_by_);
    table.warnings = std::move(warnings_);
    return table;
  }

  Result<void> check_name(const Column& column, const TableSchema& shown) const {
    if (!shown.find_column(column.schema.name)) return {};
    const TransformationRule* rule = column.added_by != nullptr ? column.added_by : column.named_by;
    for (const Column& other : columns_) {
      if (rule == nullptr && other.schema.name == column.schema.name) rule = other.named_by;
    }
    Error error(ErrorCode::kInvalidMapping, fmt::format("two columns of {} would have the name \"{}\"",
                                                        source_.name.text(), column.schema.name));
    return rule == nullptr ? error : std::move(error).at(rule->defined_at);
  }

  Result<void> set_key(const std::vector<std::optional<std::uint32_t>>& shown_index,
                       TableSchema& shown) const {
    if (key_defined_by_ == nullptr) {
      for (const std::uint32_t index : source_.primary_key) {
        if (shown_index[index]) shown.primary_key.push_back(*shown_index[index]);
      }
      return {};
    }
    for (const std::string& name : key_defined_by_->key_columns) {
      const Column* column = find_column(name);
      const auto index = column == nullptr ? std::optional<std::uint32_t>()
                                           : shown_index[static_cast<std::size_t>(column - columns_.data())];
      const auto found = index ? index : shown.find_column(name);
      if (!found) {
        return Error(ErrorCode::kInvalidMapping,
                     fmt::format("no column \"{}\" in {}", name, source_.name.text()))
            .at(key_defined_by_->value_at);
      }
      shown.primary_key.push_back(*found);
    }
    return {};
  }

  const TableSchema& source_;
  const std::span<const TransformationRule> rules_;
  const ValueSettings& settings_;
  OldRows old_rows_;
  TableName name_;
  std::vector<Column> columns_;
  std::vector<Computation> computations_;
  std::vector<Expression> expressions_;
  std::vector<std::int64_t> met_by_;
  std::vector<Error> warnings_;
  const TransformationRule* schema_named_by_ = nullptr;
  const TransformationRule* table_named_by_ = nullptr;
  const TransformationRule* key_defined_by_ = nullptr;
  bool includes_ = false;
};

}  // namespace

Result<TransformedTable> transform_table(const TableSchema& source, std::span<const TransformationRule> rules,
                                         const ValueSettings& settings, OldRows old_rows) {
  return Transformer(source, rules, settings, old_rows).run();
}

}  // namespace dmskafka
