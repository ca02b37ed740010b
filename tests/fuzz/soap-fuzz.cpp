// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes as the answer of a SOAP service (libFuzzer).
//
// The name of the wanted result, 0x1E, the answer, 0x1E, its Content-Type. What is read of it has the shape
// that envelope.h says, and is no larger than what was answered: no entity is expanded. The root of a
// multipart message is a part of it.
#include <cstdint>

#include <functional>

#include "common/text/utf.h"
#include "tests/fuzz/demand.h"
#include "workers/net/answer-text.h"
#include "workers/soap/envelope.h"
#include "workers/soap/multipart.h"

namespace {

using smsd::fuzz::demand;

std::size_t checkValue(const nlohmann::json& value, std::size_t bound, int depth = 0) {
  demand("a value is a text, null, or has parts",
         value.is_string() || value.is_null() || value.is_structured());
  if (value.is_string()) demand("nothing grows", value.get_ref<const std::string&>().size() <= bound);
  if (!value.is_structured()) return 1;
  demand("nothing is too deep", depth <= 16);  // a list of what has one name is one more, each time
  std::size_t count = 1;
  for (auto& part : value) count += checkValue(part, bound, depth + 1);
  return count;
}

/// As the dispatcher reads it.
std::string textOf(std::string_view body, const std::string& contentType) {
  auto root = smsd::soap::rootPart(body, contentType);
  if (!root) return smsd::net::textOf(body, contentType);
  const auto [begin, end] = std::pair(root->content.data(), root->content.data() + root->content.size());
  demand("a part is of the body", root->content.empty() || (!std::less<>()(begin, body.data()) &&
                                                            !std::less<>()(body.data() + body.size(), end)));
  demand("so is its type", root->contentType.size() <= body.size() + 1);
  return smsd::net::textOf(root->content, root->contentType);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  auto parts = smsd::fuzz::split(bytes);
  parts.resize(3);
  const std::string text = textOf(parts[1], std::string(parts[2]));
  demand("text is UTF-8", smsd::text::isValid(text));
  auto answer = smsd::soap::readAnswer(text, parts[0]);
  if (!answer) return 0;
  const std::size_t bound = text.size();
  if (answer->contains("fault")) {
    demand("a fault has a code and a text", answer->size() == 1 && (*answer)["fault"].size() == 2);
    for (auto& part : (*answer)["fault"])
      demand("and both are texts", part.is_string() && part.get_ref<const std::string&>().size() <= bound);
    return 0;
  }
  demand("values have names", answer->contains("values") && (*answer)["values"].is_object());
  demand("there are not too many", checkValue((*answer)["values"], bound) <= 1 + 2 * 256);
  if (answer->contains("result")) checkValue((*answer)["result"], bound);
  return 0;
}
