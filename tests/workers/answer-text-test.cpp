// SPDX-License-Identifier: GPL-3.0-or-later
// Which charset an answer is in.
#include "workers/net/answer-text.h"

#include <gtest/gtest.h>

namespace smsd::net {
namespace {

using namespace std::string_literals;

std::string utf16le(const std::string& ascii) {
  std::string bytes;
  for (char c : ascii) bytes += {c, '\0'};
  return bytes;
}
std::string utf16be(const std::string& ascii) {
  std::string bytes;
  for (char c : ascii) bytes += {'\0', c};
  return bytes;
}

TEST(AnswerText, IsReadInTheCharsetThatTheHeaderNames) {
  EXPECT_EQ(textOf("f\xF8r", "text/plain; charset=ISO-8859-1"), "før");
  EXPECT_EQ(textOf("f\xF8r", "text/plain;charset=\"iso-8859-1\"; x=y"), "før");
  EXPECT_EQ(textOf("f\xF8r \xA4", "text/plain; x=\"a;b\"; Charset=ISO-8859-15"), "før €");
  EXPECT_EQ(textOf("\x80 100", "text/plain; charset=windows-1252"), "€ 100");
  EXPECT_EQ(textOf("før", "text/plain; charset=UTF-8"), "før");
  EXPECT_EQ(textOf(utf16le("OK"), "text/plain; charset=utf-16le"), "OK");
  EXPECT_EQ(textOf(utf16be("OK"), "text/plain; charset=utf-16be"), "OK");
  EXPECT_EQ(textOf(utf16be("OK"), "text/plain; charset=utf-16"), "OK");
  EXPECT_EQ(textOf(utf16le("OK"), "text/plain; charset=utf-16"), "OK") << "without a mark the zeros say it";
}

TEST(AnswerText, IsReadByItsByteOrderMarkWhateverAServerSaysOfEachOfItsScripts) {
  for (auto type : {"", "text/plain; charset=utf-8", "text/plain; charset=ISO-8859-1"}) {
    EXPECT_EQ(textOf("\xEF\xBB\xBF"
                     "før",
                     type),
              "før")
        << type;
    EXPECT_EQ(textOf("\xFF\xFE" + utf16le("OK"), type), "OK") << type;
    EXPECT_EQ(textOf("\xFE\xFF" + utf16be("OK"), type), "OK") << type;
  }
  EXPECT_EQ(textOf("\xFF\xFE" + "\x3D\xD8\x00\xDE"s, ""), "😀");
  EXPECT_EQ(textOf("\xFF\xFE" + "\x3D\xD8O\0"s, ""), "\uFFFDO") << "half a pair";
  EXPECT_EQ(textOf("\xFF\xFE" + "O\0K"s, ""), "O\uFFFD") << "half a unit";
}

TEST(AnswerText, IsGuessedWhereNothingIsSaidOrTheBytesContradictIt) {
  for (auto type : {"", "application/json", "text/plain; charset=utf-8", "text/plain; charset=klingon",
                    "text/plain; charset=us-ascii", "text/plain; charset", "text/plain; charset=\"utf-8"}) {
    EXPECT_EQ(textOf("FEHLER: ung\xFCltige Nummer", type), "FEHLER: ungültige Nummer") << type;
    EXPECT_EQ(textOf(utf16le("{\"a\":1}"), type), "{\"a\":1}") << type;
    EXPECT_EQ(textOf("OK", type), "OK") << type;
  }
  EXPECT_EQ(textOf("ungültig", ""), "ungültig");
  EXPECT_EQ(textOf("OK", "text/plain; charset=utf-16"), "OK") << "no zero byte is in it";
  EXPECT_EQ(textOf("ungültig \xC3", "text/plain; charset=utf-8"), "ungültig \uFFFD") << "cut by somebody";
  EXPECT_EQ(textOf("", "text/plain; charset=utf-16"), "");
  EXPECT_EQ(textOf("\xEF\xBB\xBF", ""), "");
}

TEST(AnswerText, OfXmlIsReadAsItsDeclarationSays) {
  EXPECT_EQ(textOf("<?xml version=\"1.0\" encoding='ISO-8859-15'?><a>\xA4</a>", "text/xml"),
            "<?xml version=\"1.0\" encoding='ISO-8859-15'?><a>€</a>");
  EXPECT_EQ(textOf("<?xml encoding=\"ISO-8859-15\"?><a>\xA4</a>", "text/xml; charset=windows-1252"),
            "<?xml encoding=\"ISO-8859-15\"?><a>¤</a>")
      << "the header is nearer";
  EXPECT_EQ(textOf("<?xml encoding=?><a>\xA4</a>", ""), "<?xml encoding=?><a>¤</a>");
}

}  // namespace
}  // namespace smsd::net
