// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/mail-intake/mail-text.h"

#include <iconv.h>

#include <array>
#include <cerrno>

namespace smsd::mailintake {
namespace {

/// The character sets of mails. Rare ones are left out, because their converters have had faults.
constexpr std::array names = {"UTF-16",       "UTF-16LE",     "UTF-16BE",     "UTF-7",        "ISO-8859-1",
                              "ISO-8859-2",   "ISO-8859-3",   "ISO-8859-4",   "ISO-8859-5",   "ISO-8859-6",
                              "ISO-8859-7",   "ISO-8859-8",   "ISO-8859-9",   "ISO-8859-10",  "ISO-8859-13",
                              "ISO-8859-14",  "ISO-8859-15",  "ISO-8859-16",  "WINDOWS-1250", "WINDOWS-1251",
                              "WINDOWS-1252", "WINDOWS-1253", "WINDOWS-1254", "WINDOWS-1255", "WINDOWS-1256",
                              "WINDOWS-1257", "WINDOWS-1258", "IBM850",       "KOI8-R",       "KOI8-U",
                              "MACINTOSH",    "GB18030",      "GBK",          "BIG5",         "EUC-JP",
                              "SHIFT_JIS",    "ISO-2022-JP",  "EUC-KR"};

/// One for each of `names`, until the process ends.
std::array<iconv_t, names.size()> converters{};

/// The name as a key: in capitals, without punctuation, with `CP` and `LATIN` resolved.
std::string plainName(std::string_view name) {
  std::string plain;
  for (const char c : name.substr(0, 40)) {
    if (c >= 'a' && c <= 'z')
      plain += static_cast<char>(c - 'a' + 'A');
    else if ((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
      plain += c;
  }
  if (plain.starts_with("CP125")) return "WINDOWS" + plain.substr(2);
  if (plain == "LATIN1") return "ISO88591";
  if (plain == "LATIN9") return "ISO885915";
  if (plain == "GB2312") return "GBK";
  return plain;
}

}  // namespace

void openConverters() {
  for (std::size_t at = 0; at < names.size(); ++at) {
    const iconv_t converter = iconv_open("UTF-8", names[at]);
    // NOLINTNEXTLINE(performance-no-int-to-ptr): iconv's own value
    converters[at] = converter == reinterpret_cast<iconv_t>(-1) ? nullptr : converter;
  }
}

std::string converted(std::string_view bytes, std::string_view charset) {
  const std::string wanted = plainName(charset);
  iconv_t converter = nullptr;
  for (std::size_t at = 0; at < names.size(); ++at)
    if (plainName(names[at]) == wanted) converter = converters[at];
  if (converter == nullptr) return std::string(bytes);
  iconv(converter, nullptr, nullptr, nullptr, nullptr);
  std::string all;
  std::array<char, 4096> piece{};
  char* from = const_cast<char*>(bytes.data());
  std::size_t left = bytes.size();
  while (left > 0) {
    char* to = piece.data();
    std::size_t room = piece.size();
    const std::size_t done = iconv(converter, &from, &left, &to, &room);
    const int error = done == static_cast<std::size_t>(-1) ? errno : 0;
    all.append(piece.data(), piece.size() - room);
    if (error == EINVAL) break;  // the beginning of a character at the end
    if (error != EILSEQ) continue;
    all += '?';
    ++from, --left;
    iconv(converter, nullptr, nullptr, nullptr, nullptr);
  }
  return all;
}

}  // namespace smsd::mailintake
