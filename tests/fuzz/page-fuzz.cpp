// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes as the texts of a status: names, reasons, commands, versions (libFuzzer).
//
// The page has the same markup as with a harmless text, is valid UTF-8 on lines that nothing acts on, and is
// bounded.
#include <capnp/message.h>

#include <cstdint>
#include <ctime>
#include <string>

#include "clients/exporter/page.h"
#include "common/text/utf.h"
#include "tests/fuzz/demand.h"
#include "tests/page/prepared-states.h"

namespace {

using smsd::fuzz::demand;

std::string pageWith(const std::string& text) {
  capnp::MallocMessageBuilder message;
  auto status = message.initRoot<smsd::proto::Status>();
  smsd::exporter::fillWith(text, status);
  return smsd::exporter::pageOf(status.asReader(), std::tm{});
}

/// The tags of a page, with their attributes. How many lines a finding gets depends on its length.
std::string markupOf(const std::string& page) {
  constexpr std::string_view lines = "<li class=\"l";
  std::string markup;
  bool within = false;
  for (const char c : page) {
    within = within || c == '<';
    if (within) markup += markup.ends_with(lines) ? 'n' : c;
    if (c == '>') within = false;
  }
  return markup;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string harmless = markupOf(pageWith("x"));
  std::string text(reinterpret_cast<const char*>(data), size);
  text = 'x' + text.substr(0, text.find('\0'));  // the texts of a status end there
  const std::string page = pageWith(text);
  demand("a text adds no markup", markupOf(page) == harmless);
  demand("the page is valid UTF-8", smsd::text::isValid(page));
  demand("the page is bounded", page.size() <= smsd::exporter::longestPage);
  return 0;
}
