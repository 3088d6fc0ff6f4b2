#include "sources/mysql/alter_statement.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <utility>
#include <vector>

#include "sources/mysql/charset.h"
#include "sources/mysql/column_layout.h"
#include "sources/mysql/column_types.h"

namespace dmskafka::mysql {
namespace {

struct Synonym {
  std::string_view word;
  std::string_view type;
};
constexpr auto kSynonyms = std::to_array<Synonym>({
    {"integer", "int"},         {"int1", "tinyint"},     {"int2", "smallint"},        {"int3", "mediumint"},
    {"middleint", "mediumint"}, {"int4", "int"},         {"int8", "bigint"},          {"bool", "tinyint"},
    {"boolean", "tinyint"},     {"dec", "decimal"},      {"numeric", "decimal"},      {"fixed", "decimal"},
    {"real", "double"},         {"float4", "float"},     {"float8", "double"},        {"character", "char"},
    {"nchar", "char"},          {"nvarchar", "varchar"}, {"varcharacter", "varchar"},
});
constexpr auto kTypes = std::to_array<std::string_view>({
    "tinyint",
    "smallint",
    "mediumint",
    "int",
    "bigint",
    "decimal",
    "float",
    "double",
    "bit",
    "year",
    "date",
    "time",
    "datetime",
    "timestamp",
    "char",
    "varchar",
    "binary",
    "varbinary",
    "tinytext",
    "text",
    "mediumtext",
    "longtext",
    "tinyblob",
    "blob",
    "mediumblob",
    "longblob",
    "enum",
    "set",
    "json",
    "geometry",
    "point",
    "linestring",
    "polygon",
    "multipoint",
    "multilinestring",
    "multipolygon",
    "geometrycollection",
    "uuid",
    "inet4",
    "inet6",
});

std::string lower(std::string_view text) {
  std::string copy(text);
  for (char& c : copy) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return copy;
}

bool same_name(std::string_view a, std::string_view b) { return lower(a) == lower(b); }

std::uint32_t to_number(const std::string& text) {
  std::uint32_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

class Alteration {
 public:
  Alteration(std::string_view text, const Tokenizer::Options& options, const TableSchema& before)
      : tokenizer_(text, options), table_(before) {
    for (const std::uint32_t column : before.primary_key) key_.push_back(before.columns[column].name);
    token_ = tokenizer_.next();
  }

  std::optional<TableSchema> run() {
    const bool alters = token_.is("ALTER");
    while (!at_end() && !token_.is("TABLE") && !token_.is("INDEX")) take();
    if (at_end()) return std::nullopt;
    if (alters) {
      take();
      skip_if_exists();
      take_name();
      if (accept_symbol('.')) take_name();
      do {
        specification();
      } while (good_ && accept_symbol(','));
      if (!at_end()) good_ = false;
    }
    if (!good_) return std::nullopt;
    table_.primary_key.clear();
    for (const std::string& name : key_) {
      const auto column = place_of(name);
      if (!column) return std::nullopt;
      table_.primary_key.push_back(static_cast<std::uint32_t>(*column));
    }
    return std::move(table_);
  }

 private:
  struct Definition {
    ColumnSchema column;
    bool first = false;
    std::string after;
    bool key = false;
  };

  void take() { token_ = tokenizer_.next(); }
  bool at_end() const noexcept { return token_.kind == Token::Kind::kEnd; }
  bool accept(std::string_view keyword) {
    if (!token_.is(keyword)) return false;
    take();
    return true;
  }
  bool accept_symbol(char c) {
    if (!token_.symbol(c)) return false;
    take();
    return true;
  }
  bool is_any(std::initializer_list<std::string_view> keywords) const {
    return std::ranges::any_of(keywords, [this](std::string_view keyword) { return token_.is(keyword); });
  }
  void skip_if_exists() {
    if (!accept("IF")) return;
    accept("NOT");
    accept("EXISTS");
  }
  std::string take_name() {
    if (!token_.name()) good_ = false;
    std::string name = token_.text;
    take();
    return name;
  }
  /// To the comma or parenthesis that ends this part.
  void skip() {
    int depth = 0;
    while (!at_end()) {
      if (depth == 0 && (token_.symbol(',') || token_.symbol(')'))) return;
      if (token_.symbol('(')) ++depth;
      if (token_.symbol(')')) --depth;
      take();
    }
  }

  std::optional<std::size_t> place_of(std::string_view name) const {
    for (std::size_t i = 0; i < table_.columns.size(); ++i) {
      if (same_name(table_.columns[i].name, name)) return i;
    }
    return std::nullopt;
  }

  void specification() {
    if (accept("ADD")) return add();
    if (accept("DROP")) return drop();
    if (accept("MODIFY")) {
      accept("COLUMN");
      skip_if_exists();
      const std::string name = take_name();
      return change(name, name);
    }
    if (accept("CHANGE")) {
      accept("COLUMN");
      skip_if_exists();
      const std::string from = take_name();
      return change(from, take_name());
    }
    if (accept("RENAME")) return rename();
    // The character set of all columns becomes another.
    if (token_.is("CONVERT")) good_ = false;
    skip();
  }

  void add() {
    const bool is_column = accept("COLUMN");
    skip_if_exists();
    if (!is_column) {
      if (accept("CONSTRAINT") && !is_any({"PRIMARY", "UNIQUE", "FOREIGN", "CHECK"})) take();
      if (accept("PRIMARY")) return add_key();
      if (is_any({"INDEX", "KEY", "UNIQUE", "FULLTEXT", "SPATIAL", "FOREIGN", "CHECK", "PERIOD", "SYSTEM",
                  "PARTITION"})) {
        return skip();
      }
    }
    if (!accept_symbol('(')) return add_column();
    do {
      add_column();
    } while (good_ && accept_symbol(','));
    if (!accept_symbol(')')) good_ = false;
  }

  void add_key() {
    while (!at_end() && !token_.symbol('(')) take();
    key_.clear();
    while (good_ && !at_end() && !token_.symbol(')')) {
      take();  // the parenthesis, or a comma
      key_.push_back(take_name());
      while (!at_end() && !token_.symbol(',') && !token_.symbol(')')) take();
    }
    accept_symbol(')');
    skip();
  }

  void add_column() {
    const std::string name = take_name();
    if (place_of(name)) return skip();  // IF NOT EXISTS
    auto definition = column_definition(name);
    if (definition) insert(*std::move(definition), table_.columns.size());
  }

  void insert(Definition definition, std::size_t place) {
    if (definition.first) place = 0;
    if (!definition.after.empty()) {
      const auto before = place_of(definition.after);
      if (!before) return void(good_ = false);
      place = *before + 1;
    }
    if (definition.key) key_ = {definition.column.name};
    table_.columns.insert(table_.columns.begin() + static_cast<std::ptrdiff_t>(place),
                          std::move(definition.column));
  }

  void drop() {
    if (accept("PRIMARY")) {
      key_.clear();
      return skip();
    }
    if (!accept("COLUMN") &&
        is_any({"INDEX", "KEY", "CONSTRAINT", "FOREIGN", "CHECK", "PARTITION", "SYSTEM", "PERIOD"})) {
      return skip();
    }
    const bool tolerant = token_.is("IF");
    skip_if_exists();
    const auto place = place_of(take_name());
    if (!place) {
      good_ = good_ && tolerant;
      return skip();
    }
    const std::string name = table_.columns[*place].name;
    std::erase_if(key_, [&](const std::string& column) { return same_name(column, name); });
    table_.columns.erase(table_.columns.begin() + static_cast<std::ptrdiff_t>(*place));
    skip();
  }

  void change(const std::string& from, const std::string& to) {
    const auto place = place_of(from);
    if (!place) return void(good_ = false);
    auto definition = column_definition(to);
    if (!definition) return;
    for (std::string& column : key_) {
      if (same_name(column, from)) column = to;
    }
    table_.columns.erase(table_.columns.begin() + static_cast<std::ptrdiff_t>(*place));
    insert(*std::move(definition), *place);
  }

  void rename() {
    if (!accept("COLUMN")) return skip();
    skip_if_exists();
    const std::string from = take_name();
    if (!accept("TO")) good_ = false;
    const std::string to = take_name();
    // All renames of a statement speak of the names before it.
    for (std::size_t i = 0; i < table_.columns.size(); ++i) {
      if (!same_name(table_.columns[i].name, from) || std::ranges::find(moved_, i) != moved_.end()) continue;
      moved_.push_back(i);
      for (std::string& column : key_) {
        if (same_name(column, from)) column = to;
      }
      table_.columns[i].name = to;
      return;
    }
    good_ = false;
  }

  /// The type, its attributes and the place. nullopt: not understood.
  std::optional<Definition> column_definition(const std::string& name) {
    Definition definition;
    definition.column.name = name;
    ColumnType type;
    std::string word = lower(token_.text);
    const bool boolean = word == "bool" || word == "boolean";
    const auto* const synonym = std::ranges::find(kSynonyms, word, &Synonym::word);
    if (synonym != kSynonyms.end()) word = synonym->type;
    if (token_.kind != Token::Kind::kWord || std::ranges::find(kTypes, word) == kTypes.end()) {
      good_ = false;
      return std::nullopt;
    }
    take();
    accept("PRECISION");
    if (accept("VARYING") && word == "char") word = "varchar";
    type.data_type = word;
    std::vector<std::string> arguments = boolean ? std::vector<std::string>{"1"} : take_arguments();
    attributes(definition, type);
    if (!good_) return std::nullopt;
    finish_type(arguments, type);
    set_column_type(type, definition.column);
    return definition;
  }

  std::vector<std::string> take_arguments() {
    std::vector<std::string> arguments;
    if (!accept_symbol('(')) return arguments;
    while (!at_end() && !token_.symbol(')')) {
      if (!token_.symbol(',')) arguments.push_back(token_.text);
      take();
    }
    accept_symbol(')');
    return arguments;
  }

  void attributes(Definition& definition, ColumnType& type) {
    int depth = 0;
    while (!at_end() && (depth > 0 || (!token_.symbol(',') && !token_.symbol(')')))) {
      if (accept_symbol('(')) {
        ++depth;
      } else if (accept_symbol(')')) {
        --depth;
      } else if (depth > 0) {
        take();
      } else if (accept("UNSIGNED")) {
        unsigned_ = true;
      } else if (accept("ZEROFILL")) {
        unsigned_ = zerofill_ = true;
      } else if (accept("NOT")) {
        if (accept("NULL")) definition.column.nullable = false;
      } else if (accept("PRIMARY")) {
        definition.key = true;
        definition.column.nullable = false;
      } else if (accept("FIRST")) {
        definition.first = true;
      } else if (accept("AFTER")) {
        definition.after = take_name();
      } else if (token_.is("CHARACTER") || token_.is("CHARSET")) {
        take();
        accept("SET");
        if (type.collation.empty()) type.collation = default_collation(lower(token_.text));
        take();
      } else if (accept("COLLATE")) {
        type.collation = lower(token_.text);
        take();
      } else if (token_.is("COMPRESSED")) {
        good_ = false;
        return;
      } else {
        take();
      }
    }
  }

  /// "int unsigned", "varchar(20)", as the catalogue prints it, and the numbers beside it.
  void finish_type(const std::vector<std::string>& arguments, ColumnType& type) {
    const std::uint32_t first = arguments.empty() ? 0 : to_number(arguments[0]);
    const std::uint32_t second = arguments.size() > 1 ? to_number(arguments[1]) : 0;
    const std::string& word = type.data_type;
    std::string text = word;
    const bool character =
        word.ends_with("char") || word.ends_with("text") || word == "enum" || word == "set";
    if (word == "decimal") {
      type.precision = arguments.empty() ? 10 : first;
      type.scale = second;
      text = fmt::format("decimal({},{})", *type.precision, second);
    } else if (word == "bit") {
      type.precision = arguments.empty() ? 1 : first;
      text = fmt::format("bit({})", *type.precision);
    } else if (word.ends_with("char") || word.ends_with("binary")) {
      type.length = arguments.empty() ? 1 : first;
      text = fmt::format("{}({})", word, *type.length);
    } else if (word == "time" || word == "datetime" || word == "timestamp") {
      type.fraction_digits = first;
      if (first != 0) text = fmt::format("{}({})", word, first);
    } else if (word == "enum" || word == "set") {
      text += '(';
      for (const std::string& label : arguments) {
        if (text.back() != '(') text += ',';
        text += '\'';
        for (const char c : label) {
          text += c;
          if (c == '\'' || c == '\\') text += c;
        }
        text += '\'';
      }
      text += ')';
    }
    if (unsigned_) text += " unsigned";
    if (zerofill_) text += " zerofill";
    unsigned_ = zerofill_ = false;
    type.column_type = std::move(text);
    if (character && type.collation.empty()) type.collation = usual_collation();
    if (!character) type.collation.clear();
  }

  /// The statement does not tell the table's own: what other columns have is the best guess, and the log's layout checks it.
  std::string usual_collation() const {
    for (const ColumnSchema& column : table_.columns) {
      if (!column.collation.empty()) return column.collation;
    }
    return "utf8mb4_general_ci";
  }

  Tokenizer tokenizer_;
  Token token_;
  TableSchema table_;
  std::vector<std::string> key_;
  std::vector<std::size_t> moved_;  // columns that this statement renamed
  bool good_ = true;
  bool unsigned_ = false;
  bool zerofill_ = false;
};

}  // namespace

std::optional<TableSchema> apply_alter(std::string_view text, const Tokenizer::Options& options,
                                       const TableSchema& before) {
  return Alteration(text, options, before).run();
}

}  // namespace dmskafka::mysql
