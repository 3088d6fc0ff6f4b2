#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/table_schema.h"

namespace dmskafka::mysql {

/// The members of a QUERY event that matter here: thread u32, seconds u32, size of the database's name u8, error u16, size of the
/// status u16; status variables (code u8, value), the database's name, NUL, the text.
struct QueryEvent {
  std::string_view database;    ///< UTF-8
  std::string_view text;        ///< in the client's character set; of QUERY_COMPRESSED still compressed
  std::uint32_t collation = 0;  ///< of the client; 0: not told
  bool ansi_quotes = false;
  bool no_backslash_escapes = false;
};
/// nullopt: cut short.
std::optional<QueryEvent> parse_query(std::string_view body) noexcept;

/// The words of a statement. What stands in /*! … */ and /*M! … */ is code, other comments are left out.
struct Token {
  enum class Kind : std::uint8_t { kEnd, kWord, kQuotedName, kString, kNumber, kSymbol };
  Kind kind = Kind::kEnd;
  std::string text;  ///< without quotes; a symbol is one character
  /// Case does not matter; a quoted name is no keyword.
  bool is(std::string_view keyword) const noexcept;
  bool symbol(char c) const noexcept { return kind == Kind::kSymbol && text[0] == c; }
  bool name() const noexcept { return kind == Kind::kWord || kind == Kind::kQuotedName; }
};

class Tokenizer {
 public:
  struct Options {
    bool ansi_quotes = false;
    bool no_backslash_escapes = false;
  };
  /// `text` is UTF-8 and outlives it.
  Tokenizer(std::string_view text, const Options& options) noexcept : text_(text), options_(options) {}
  Token next();

 private:
  bool skip_blanks_and_comments();
  std::string quoted(char quote, bool backslashes);

  std::string_view text_;
  Options options_;
  std::size_t at_ = 0;
};

enum class StatementKind : std::uint8_t {
  kOther,  ///< nothing that matters here: GRANT, CREATE VIEW, ANALYZE, FLUSH, temporary tables …
  kBegin,
  kCommit,
  kRollback,
  kSavepoint,  ///< SAVEPOINT, ROLLBACK TO, RELEASE
  kXaStart,
  kXaEnd,
  kXaPrepare,
  kXaCommit,
  kXaRollback,
  kCreateTable,
  kAlterTable,  ///< also CREATE INDEX and DROP INDEX, which may change hidden columns
  kDropTable,
  kRenameTable,
  kTruncateTable,
  kDropDatabase,
  kDml,  ///< changes of rows as a statement: the rows themselves are not in the log
};

struct Statement {
  StatementKind kind = StatementKind::kOther;
  std::vector<TableName> tables;  ///< with the statement's database where it names none
  std::vector<std::pair<TableName, TableName>> renames;  ///< kRenameTable, and ALTER TABLE … RENAME
  std::string xid;                                       ///< of XA statements: xa_key()
  bool one_phase = false;                                ///< XA COMMIT … ONE PHASE
  bool rolls_back = false;                               ///< kSavepoint: ROLLBACK TO
  bool opens_transaction = false;  ///< CREATE TABLE … START TRANSACTION: rows follow in its group
  std::string database;            ///< kDropDatabase
};

/// What a statement does, as far as it concerns tables and transactions. Tolerant: what it does not know is kOther.
Statement parse_statement(std::string_view text, std::string_view database,
                          const Tokenizer::Options& options);

}  // namespace dmskafka::mysql
