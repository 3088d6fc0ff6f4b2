#include "sources/mysql/statement.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "sources/mysql/event_reader.h"
#include "sources/mysql/gtid.h"

namespace dmskafka::mysql {
namespace {

constexpr std::uint64_t kAnsiQuotesMode = 4;
constexpr std::uint64_t kNoBackslashEscapesMode = 1U << 20U;

/// The codes of status variables up to the character set; what stands behind it is not needed.
enum class Status : std::uint8_t {
  kFlags = 0,
  kSqlMode = 1,
  kCatalogWithNul = 2,
  kAutoIncrement = 3,
  kCharset = 4,
  kTimeZone = 5,
  kCatalog = 6,
};

void read_status(EventReader status, QueryEvent& query) noexcept {
  while (status.left() > 0) {
    switch (static_cast<Status>(status.u8())) {
      case Status::kFlags: (void)status.u32(); break;
      case Status::kSqlMode: {
        const std::uint64_t mode = status.u64();
        query.ansi_quotes = (mode & kAnsiQuotesMode) != 0;
        query.no_backslash_escapes = (mode & kNoBackslashEscapesMode) != 0;
        break;
      }
      case Status::kCatalogWithNul: status.bytes(std::uint64_t{status.u8()} + 1); break;
      case Status::kAutoIncrement: (void)status.u32(); break;
      case Status::kCharset: query.collation = status.u16(); return;
      case Status::kTimeZone:
      case Status::kCatalog: status.bytes(status.u8()); break;
      default: return;
    }
  }
}

bool is_word_byte(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
         (c & 0x80) != 0;
}

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

char upper(char c) noexcept { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

class Parser {
 public:
  Parser(std::string_view text, std::string_view database, const Tokenizer::Options& options)
      : tokenizer_(text, options), database_(database) {
    token_ = tokenizer_.next();
    following_ = tokenizer_.next();
  }

  Statement run() {
    while (token_.symbol('(')) take();
    if (accept("SET") && accept("STATEMENT")) skip_to("FOR");  // MariaDB: SET STATEMENT … FOR …
    if (accept("BEGIN")) return of(StatementKind::kBegin);
    if (accept("START")) return of(StatementKind::kBegin);
    if (accept("COMMIT")) return of(StatementKind::kCommit);
    if (accept("ROLLBACK")) return rollback();
    if (accept("SAVEPOINT") || accept("RELEASE")) return of(StatementKind::kSavepoint);
    if (accept("XA")) return xa();
    if (accept("CREATE")) return create();
    if (accept("ALTER")) return alter();
    if (accept("DROP")) return drop();
    if (accept("RENAME")) return rename();
    if (accept("TRUNCATE")) return truncate();
    return dml();
  }

 private:
  void take() {
    token_ = std::move(following_);
    following_ = tokenizer_.next();
  }
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
  bool accept_any(std::initializer_list<std::string_view> keywords) {
    return std::ranges::any_of(keywords, [this](std::string_view keyword) { return accept(keyword); });
  }
  bool at_end() const noexcept { return token_.kind == Token::Kind::kEnd; }
  void skip_to(std::string_view keyword) {
    while (!at_end() && !token_.is(keyword)) take();
    accept(keyword);
  }
  void skip_if_exists() {
    if (!token_.is("IF")) return;
    take();
    accept("NOT");
    accept("EXISTS");
  }

  Statement of(StatementKind kind) {
    statement_.kind = kind;
    return std::move(statement_);
  }

  Statement rollback() {
    accept("WORK");
    statement_.rolls_back = token_.is("TO");
    return of(statement_.rolls_back ? StatementKind::kSavepoint : StatementKind::kRollback);
  }

  std::optional<TableName> table_name() {
    if (!token_.name()) return std::nullopt;
    TableName name{std::string(database_), token_.text};
    take();
    if (token_.symbol('.') && following_.kind != Token::Kind::kEnd) {
      take();
      name.schema = std::move(name.table);
      name.table = token_.text;
      take();
    }
    return name;
  }
  bool add_table() {
    auto name = table_name();
    if (!name) return false;
    statement_.tables.push_back(*std::move(name));
    return true;
  }
  void add_tables() {
    while (add_table() && accept_symbol(',')) {
    }
  }

  std::optional<std::string> bytes_literal() {
    // 'text', X'6162' (a word X before the string) or 0x6162.
    if (token_.kind == Token::Kind::kString) {
      std::string text = token_.text;
      take();
      return text;
    }
    std::string digits;
    if (token_.is("X") && following_.kind == Token::Kind::kString) {
      take();
      digits = token_.text;
    } else if (token_.text.starts_with("0x") || token_.text.starts_with("0X")) {
      digits = token_.text.substr(2);
    } else {
      return std::nullopt;
    }
    take();
    std::string bytes;
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
      unsigned byte = 0;
      std::from_chars(digits.data() + i, digits.data() + i + 2, byte, 16);
      bytes += static_cast<char>(byte);
    }
    return bytes;
  }

  Statement xa() {
    StatementKind kind = StatementKind::kOther;
    if (accept("START") || accept("BEGIN")) {
      kind = StatementKind::kXaStart;
    } else if (accept("END")) {
      kind = StatementKind::kXaEnd;
    } else if (accept("PREPARE")) {
      kind = StatementKind::kXaPrepare;
    } else if (accept("COMMIT")) {
      kind = StatementKind::kXaCommit;
    } else if (accept("ROLLBACK")) {
      kind = StatementKind::kXaRollback;
    } else {
      return of(StatementKind::kOther);
    }
    const std::string global = bytes_literal().value_or("");
    std::string branch;
    std::uint32_t format = 1;
    if (accept_symbol(',')) branch = bytes_literal().value_or("");
    if (accept_symbol(',')) {
      std::from_chars(token_.text.data(), token_.text.data() + token_.text.size(), format);
      take();
    }
    statement_.xid = xa_key(format, global, branch);
    statement_.one_phase = token_.is("ONE");
    return of(kind);
  }

  Statement create() {
    if (accept("OR")) accept("REPLACE");
    if (token_.is("TEMPORARY")) return of(StatementKind::kOther);
    if (accept("TABLE")) {
      skip_if_exists();
      if (!add_table()) return of(StatementKind::kOther);
      while (!at_end()) {
        if (token_.is("START") && following_.is("TRANSACTION")) statement_.opens_transaction = true;
        take();
      }
      return of(StatementKind::kCreateTable);
    }
    accept_any({"UNIQUE", "FULLTEXT", "SPATIAL", "ONLINE", "OFFLINE"});
    if (accept("INDEX")) return index_of();
    return of(StatementKind::kOther);
  }

  /// CREATE INDEX … ON t, DROP INDEX … ON t.
  Statement index_of() {
    skip_to("ON");
    return of(add_table() ? StatementKind::kAlterTable : StatementKind::kOther);
  }

  Statement alter() {
    while (accept_any({"ONLINE", "OFFLINE", "IGNORE"})) {
    }
    if (!accept("TABLE")) return of(StatementKind::kOther);
    skip_if_exists();
    if (!add_table()) return of(StatementKind::kOther);
    const TableName before = statement_.tables.front();
    int depth = 0;
    while (!at_end()) {
      if (token_.symbol('(')) ++depth;
      if (token_.symbol(')')) --depth;
      if (depth == 0 && accept("RENAME")) {
        if (accept_any({"COLUMN", "INDEX", "KEY"})) continue;
        if (!accept("TO") && !accept("AS")) accept_symbol('=');
        if (auto name = table_name()) statement_.renames.emplace_back(before, *std::move(name));
        continue;
      }
      take();
    }
    return of(StatementKind::kAlterTable);
  }

  Statement drop() {
    if (token_.is("TEMPORARY")) return of(StatementKind::kOther);
    if (accept_any({"TABLE", "TABLES"})) {
      skip_if_exists();
      add_tables();
      return of(StatementKind::kDropTable);
    }
    if (accept_any({"DATABASE", "SCHEMA"})) {
      skip_if_exists();
      statement_.database = token_.text;
      return of(token_.name() ? StatementKind::kDropDatabase : StatementKind::kOther);
    }
    accept_any({"ONLINE", "OFFLINE"});
    if (accept("INDEX")) return index_of();
    return of(StatementKind::kOther);
  }

  Statement rename() {
    if (!accept_any({"TABLE", "TABLES"})) return of(StatementKind::kOther);
    skip_if_exists();
    do {
      auto from = table_name();
      skip_to("TO");
      auto to = table_name();
      if (!from || !to) break;
      statement_.tables.push_back(*from);
      statement_.renames.emplace_back(*std::move(from), *std::move(to));
    } while (accept_symbol(','));
    return of(statement_.renames.empty() ? StatementKind::kOther : StatementKind::kRenameTable);
  }

  Statement truncate() {
    accept("TABLE");
    return of(add_table() ? StatementKind::kTruncateTable : StatementKind::kOther);
  }

  Statement dml() {
    if (token_.is("WITH")) {
      while (!at_end() && !is_dml_verb()) take();
    }
    if (accept("INSERT") || accept("REPLACE")) {
      while (accept_any({"LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY", "IGNORE", "INTO"})) {
      }
      add_table();
    } else if (accept("UPDATE")) {
      names_until({"SET"});
    } else if (accept("DELETE")) {
      names_until({"WHERE", "ORDER", "LIMIT", "RETURNING"});
    } else if (accept("LOAD")) {
      skip_to("INTO");
      accept("TABLE");
      add_table();
    } else {
      // A function that changes rows is logged as the SELECT that called it.
      return of(token_.is("SELECT") || token_.is("DO") || token_.is("CALL") ? StatementKind::kDml
                                                                            : StatementKind::kOther);
    }
    return of(StatementKind::kDml);
  }
  bool is_dml_verb() const noexcept {
    return token_.is("INSERT") || token_.is("REPLACE") || token_.is("UPDATE") || token_.is("DELETE");
  }
  /// Every name up to one of the words: some are keywords or aliases, which no table is called.
  void names_until(std::initializer_list<std::string_view> words) {
    while (!at_end() &&
           std::ranges::none_of(words, [this](std::string_view word) { return token_.is(word); })) {
      if (!add_table()) take();
    }
  }

  Tokenizer tokenizer_;
  std::string_view database_;
  Token token_;
  Token following_;
  Statement statement_;
};

}  // namespace

std::optional<QueryEvent> parse_query(std::string_view body) noexcept {
  EventReader reader(body);
  QueryEvent query;
  (void)reader.u64();
  const std::uint8_t database_size = reader.u8();
  (void)reader.u16();
  const std::string_view status = reader.bytes(reader.u16());
  query.database = reader.bytes(database_size);
  const std::uint8_t nul = reader.u8();
  query.text = reader.rest();
  if (!reader.ok() || nul != 0) return std::nullopt;
  read_status(EventReader(status), query);
  return query;
}

bool Token::is(std::string_view keyword) const noexcept {
  return kind == Kind::kWord && text.size() == keyword.size() &&
         std::equal(text.begin(), text.end(), keyword.begin(), [](char a, char b) { return upper(a) == b; });
}

/// False at the text's end.
bool Tokenizer::skip_blanks_and_comments() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    const std::string_view rest = text_.substr(at_);
    if (c == ' ' || (c >= '\t' && c <= '\r') || c == '\0') {
      ++at_;
    } else if (c == '#' ||
               (rest.starts_with("--") && (rest.size() == 2 || static_cast<unsigned char>(rest[2]) <= ' '))) {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else if (rest.starts_with("/*!") || rest.starts_with("/*M!")) {
      // Code for servers from some version on; the server that wrote the log is one, or did not need to say it.
      at_ += rest[2] == '!' ? 3U : 4U;
      while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    } else if (rest.starts_with("*/")) {
      at_ += 2;
    } else if (rest.starts_with("/*")) {
      const std::size_t end = text_.find("*/", at_ + 2);
      at_ = end == std::string_view::npos ? text_.size() : end + 2;
    } else {
      return true;
    }
  }
  return false;
}

std::string Tokenizer::quoted(char quote, bool backslashes) {
  std::string text;
  for (++at_; at_ < text_.size(); ++at_) {
    char c = text_[at_];
    if (c == quote) {
      if (at_ + 1 >= text_.size() || text_[at_ + 1] != quote) {
        ++at_;
        break;
      }
      ++at_;
    } else if (c == '\\' && backslashes && at_ + 1 < text_.size()) {
      c = text_[++at_];
      c = c == '0'   ? '\0'
          : c == 'n' ? '\n'
          : c == 'r' ? '\r'
          : c == 't' ? '\t'
          : c == 'b' ? '\b'
          : c == 'Z' ? '\x1A'
                     : c;
    }
    text += c;
  }
  return text;
}

Token Tokenizer::next() {
  Token token;
  if (!skip_blanks_and_comments()) return token;
  const char c = text_[at_];
  if (c == '`' || (c == '"' && options_.ansi_quotes)) {
    token.kind = Token::Kind::kQuotedName;
    token.text = quoted(c, false);
  } else if (c == '\'' || c == '"') {
    token.kind = Token::Kind::kString;
    token.text = quoted(c, !options_.no_backslash_escapes);
  } else if (is_word_byte(c)) {
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_word_byte(text_[at_])) ++at_;
    token.text = text_.substr(begin, at_ - begin);
    // A name may begin with digits, and even be digits followed by letters.
    token.kind = std::ranges::all_of(token.text, is_digit) ? Token::Kind::kNumber : Token::Kind::kWord;
  } else {
    token.kind = Token::Kind::kSymbol;
    token.text = c;
    ++at_;
  }
  return token;
}

Statement parse_statement(std::string_view text, std::string_view database,
                          const Tokenizer::Options& options) {
  return Parser(text, database, options).run();
}

}  // namespace dmskafka::mysql
