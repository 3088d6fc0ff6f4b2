#include "sources/mysql/charset.h"

#include <fmt/format.h>
#include <iconv.h>

#include <algorithm>
#include <cstring>

namespace dmskafka::mysql {
namespace {

struct Range {
  std::uint16_t first;
  std::uint16_t last;
  std::string_view charset;
};

// The numbers of collations, from the servers' information_schema.COLLATIONS (MySQL 5.7 and 8.0, MariaDB 10.11).
constexpr auto kRanges = std::to_array<Range>({
    {1, 1, "big5"},
    {2, 2, "latin2"},
    {3, 3, "dec8"},
    {4, 4, "cp850"},
    {5, 5, "latin1"},
    {6, 6, "hp8"},
    {7, 7, "koi8r"},
    {8, 8, "latin1"},
    {9, 9, "latin2"},
    {10, 10, "swe7"},
    {11, 11, "ascii"},
    {12, 12, "ujis"},
    {13, 13, "sjis"},
    {14, 14, "cp1251"},
    {15, 15, "latin1"},
    {16, 16, "hebrew"},
    {18, 18, "tis620"},
    {19, 19, "euckr"},
    {20, 20, "latin7"},
    {21, 21, "latin2"},
    {22, 22, "koi8u"},
    {23, 23, "cp1251"},
    {24, 24, "gb2312"},
    {25, 25, "greek"},
    {26, 26, "cp1250"},
    {27, 27, "latin2"},
    {28, 28, "gbk"},
    {29, 29, "cp1257"},
    {30, 30, "latin5"},
    {31, 31, "latin1"},
    {32, 32, "armscii8"},
    {33, 33, "utf8mb3"},
    {34, 34, "cp1250"},
    {35, 35, "ucs2"},
    {36, 36, "cp866"},
    {37, 37, "keybcs2"},
    {38, 38, "macce"},
    {39, 39, "macroman"},
    {40, 40, "cp852"},
    {41, 42, "latin7"},
    {43, 43, "macce"},
    {44, 44, "cp1250"},
    {45, 46, "utf8mb4"},
    {47, 49, "latin1"},
    {50, 52, "cp1251"},
    {53, 53, "macroman"},
    {54, 55, "utf16"},
    {56, 56, "utf16le"},
    {57, 57, "cp1256"},
    {58, 59, "cp1257"},
    {60, 61, "utf32"},
    {62, 62, "utf16le"},
    {63, 63, "binary"},
    {64, 64, "armscii8"},
    {65, 65, "ascii"},
    {66, 66, "cp1250"},
    {67, 67, "cp1256"},
    {68, 68, "cp866"},
    {69, 69, "dec8"},
    {70, 70, "greek"},
    {71, 71, "hebrew"},
    {72, 72, "hp8"},
    {73, 73, "keybcs2"},
    {74, 74, "koi8r"},
    {75, 75, "koi8u"},
    {76, 76, "utf8mb3"},
    {77, 77, "latin2"},
    {78, 78, "latin5"},
    {79, 79, "latin7"},
    {80, 80, "cp850"},
    {81, 81, "cp852"},
    {82, 82, "swe7"},
    {83, 83, "utf8mb3"},
    {84, 84, "big5"},
    {85, 85, "euckr"},
    {86, 86, "gb2312"},
    {87, 87, "gbk"},
    {88, 88, "sjis"},
    {89, 89, "tis620"},
    {90, 90, "ucs2"},
    {91, 91, "ujis"},
    {92, 93, "geostd8"},
    {94, 94, "latin1"},
    {95, 96, "cp932"},
    {97, 98, "eucjpms"},
    {99, 99, "cp1250"},
    {101, 124, "utf16"},
    {128, 151, "ucs2"},
    {159, 159, "ucs2"},
    {160, 183, "utf32"},
    {192, 215, "utf8mb3"},
    {223, 223, "utf8mb3"},
    {224, 247, "utf8mb4"},
    {248, 250, "gb18030"},
    {255, 323, "utf8mb4"},
    // MariaDB
    {576, 578, "utf8mb3"},
    {608, 610, "utf8mb4"},
    {640, 642, "ucs2"},
    {672, 674, "utf16"},
    {736, 738, "utf32"},
});

// MariaDB numbers its NOPAD collations 1,024 above those with padding, and the UCA 14.0.0 ones by character set from 2,048 on.
constexpr std::uint32_t kNoPad = 1'024;
constexpr std::uint32_t kUca1400 = 2'048;
constexpr std::array<std::string_view, 5> kUca1400Charsets = {"utf8mb3", "utf8mb4", "ucs2", "utf16", "utf32"};

struct IconvName {
  std::string_view charset;
  const char* name;
  bool wide = false;
};

// The servers' sets under the C library's names; MySQL's manual, "Supported Character Sets and Collations".
constexpr auto kIconvNames = std::to_array<IconvName>({
    {"big5", "BIG5"},
    {"latin2", "ISO-8859-2"},
    {"cp850", "CP850"},
    {"hp8", "HP-ROMAN8"},
    {"koi8r", "KOI8-R"},
    {"ujis", "EUC-JP"},
    {"sjis", "SHIFT_JIS"},
    {"cp1251", "CP1251"},
    {"hebrew", "ISO-8859-8"},
    {"tis620", "TIS-620"},
    {"euckr", "UHC"},
    {"latin7", "ISO-8859-13"},
    {"koi8u", "KOI8-U"},
    {"gb2312", "EUC-CN"},
    {"greek", "ISO-8859-7"},
    {"cp1250", "CP1250"},
    {"gbk", "GBK"},
    {"cp1257", "CP1257"},
    {"latin5", "ISO-8859-9"},
    {"armscii8", "ARMSCII-8"},
    {"cp866", "CP866"},
    {"macce", "MACCENTRALEUROPE"},
    {"macroman", "MACINTOSH"},
    {"cp852", "CP852"},
    {"cp1256", "CP1256"},
    {"cp932", "CP932"},
    {"eucjpms", "EUC-JP-MS"},
    {"gb18030", "GB18030"},
    {"swe7", "SEN_850200_C"},
    {"geostd8", "GEORGIAN-PS"},
    {"dec8", "DEC-MCS"},
    {"ucs2", "UTF-16BE", true},
    {"utf16", "UTF-16BE", true},
    {"utf16le", "UTF-16LE", true},
    {"utf32", "UTF-32BE", true},
});

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

char* put(char* out, std::string_view text) noexcept {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

std::uint32_t packed(std::string_view utf8) noexcept {
  std::uint32_t value = static_cast<std::uint32_t>(utf8.size()) << 24U;
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    value |= static_cast<std::uint32_t>(static_cast<unsigned char>(utf8[i])) << (8 * i);
  }
  return value;
}

std::uint32_t packed_code_point(std::uint32_t point) noexcept {
  char text[3];
  if (point < 0x80) return packed({text, static_cast<std::size_t>((text[0] = static_cast<char>(point), 1))});
  if (point < 0x800) {
    text[0] = static_cast<char>(0xC0U | point >> 6U);
    text[1] = static_cast<char>(0x80U | (point & 0x3FU));
    return packed({text, 2});
  }
  text[0] = static_cast<char>(0xE0U | point >> 12U);
  text[1] = static_cast<char>(0x80U | (point >> 6U & 0x3FU));
  text[2] = static_cast<char>(0x80U | (point & 0x3FU));
  return packed({text, 3});
}

// The servers' latin1 is Windows' 1252, with the five bytes that it leaves open as the control characters of those numbers.
constexpr std::array<std::uint16_t, 32> kLatin1From80 = {
    0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008D, 0x017D, 0x008F, 0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178};

}  // namespace

std::string_view charset_of_collation(std::uint32_t collation) noexcept {
  if (collation >= kUca1400) {
    const std::uint32_t index = (collation - kUca1400) >> 8U;
    return index < kUca1400Charsets.size() ? kUca1400Charsets[index] : std::string_view();
  }
  if (collation > kNoPad) collation -= kNoPad;
  for (const Range& range : kRanges) {
    if (collation >= range.first && collation <= range.last) return range.charset;
  }
  return {};
}

std::string_view charset_of_collation_name(std::string_view collation) noexcept {
  const std::string_view charset = collation.substr(0, collation.find('_'));
  return charset == "utf8" ? "utf8mb3" : charset;
}

Result<std::unique_ptr<CharsetConverter>> CharsetConverter::make(std::string_view charset) {
  std::unique_ptr<CharsetConverter> made(new CharsetConverter());
  if (charset == "utf8mb4" || charset == "utf8mb3" || charset == "utf8" || charset == "ascii") return made;
  if (charset == "latin1") {
    made->kind_ = Kind::kSingleByte;
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
      made->table_[byte] = packed_code_point(byte >= 0x80 && byte < 0xA0 ? kLatin1From80[byte - 0x80] : byte);
    }
    return made;
  }
  const auto* const found = std::ranges::find(kIconvNames, charset, &IconvName::charset);
  if (found != kIconvNames.end()) {
    made->kind_ = Kind::kIconv;
    made->wide_ = found->wide;
    made->ascii_ = !found->wide && charset != "swe7";
    iconv_t const opened = iconv_open("UTF-8", found->name);
    if (opened != reinterpret_cast<iconv_t>(-1)) {  // NOLINT(performance-no-int-to-ptr)
      made->iconv_ = opened;
      return made;
    }
  }
  return Error(ErrorCode::kSourceRejected,
               fmt::format("text in the character set {} cannot be read", charset))
      .hint("convert the columns that use it: ALTER TABLE … CONVERT TO CHARACTER SET utf8mb4");
}

CharsetConverter::~CharsetConverter() {
  if (iconv_ != nullptr) iconv_close(iconv_);
}

std::size_t CharsetConverter::size_max(std::size_t size) const noexcept {
  switch (kind_) {
    case Kind::kUtf8: return size;
    case Kind::kSingleByte: return 3 * size + 1;  // the last character is written with four bytes
    case Kind::kIconv: break;
  }
  return 4 * size + 8;
}

char* CharsetConverter::convert(std::string_view text, char* out) noexcept {
  switch (kind_) {
    case Kind::kUtf8: return put(out, text);
    case Kind::kSingleByte:
      for (const char c : text) {
        const std::uint32_t character = table_[static_cast<unsigned char>(c)];
        const std::uint32_t bytes = character & 0xFF'FFFFU;
        std::memcpy(out, &bytes, 3);
        out += character >> 24U;
      }
      return out;
    case Kind::kIconv: break;
  }
  return convert_by_iconv(text, out);
}

char* CharsetConverter::convert_by_iconv(std::string_view text, char* out) noexcept {
  if (ascii_) {
    const auto* const other = std::ranges::find_if(text, [](char c) { return (c & 0x80) != 0; });
    const auto plain = static_cast<std::size_t>(other - text.begin());
    out = put(out, text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) return out;
  }
  iconv(iconv_, nullptr, nullptr, nullptr, nullptr);
  char* from =
      const_cast<char*>(text.data());  // NOLINT(cppcoreguidelines-pro-type-const-cast): iconv's interface
  std::size_t left = text.size();
  std::size_t room = size_max(text.size());
  while (left > 0) {
    if (iconv(iconv_, &from, &left, &out, &room) != static_cast<std::size_t>(-1)) break;
    if (left == 0 || room < kReplacement.size()) break;
    out = put(out, kReplacement);
    room -= kReplacement.size();
    const std::size_t skipped = std::min<std::size_t>(wide_ ? 2 : 1, left);
    from += skipped;
    left -= skipped;
  }
  return out;
}

std::string CharsetConverter::to_utf8(std::string_view text) {
  std::string out(size_max(text.size()), '\0');
  out.resize(static_cast<std::size_t>(convert(text, out.data()) - out.data()));
  return out;
}

}  // namespace dmskafka::mysql
