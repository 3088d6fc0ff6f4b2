#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "sources/mysql/binlog_position.h"

namespace dmskafka::mysql {

/// A server as its VERSION() tells: 101119 for MariaDB 10.11.19, 80031 for MySQL 8.0.31.
struct ServerVersion {
  Flavour flavour = Flavour::kMysql;
  std::uint32_t number = 0;
  bool is_mariadb() const noexcept { return flavour == Flavour::kMariadb; }
};
/// "10.11.19-MariaDB-…", "8.0.31", "5.7.22-log".
ServerVersion parse_server_version(const std::string& text);

/// The statements that give a session what our reading depends on, for load and log alike: the text of values, and that it may
/// last for days. They come after a script of the user's, which may have changed anything.
std::vector<std::string> session_statements(const ServerVersion& version);

}  // namespace dmskafka::mysql
