// Any bytes as the answer of a SOAP service (libFuzzer).
//
// The name of the wanted result, 0x1E, the answer. What is read of it has the shape that envelope.h says, and
// is no larger than what was answered: no entity is expanded.
#include <cstdint>

#include "tests/fuzz/demand.h"
#include "workers/soap/envelope.h"

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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = std::min(bytes.find('\x1E'), bytes.size());
  const std::string_view xml = bytes.substr(std::min(cut + 1, bytes.size()));
  auto answer = smsd::soap::readAnswer(xml, bytes.substr(0, cut));
  if (!answer) return 0;
  const std::size_t bound = 4 * xml.size();  // another encoding may need fewer bytes
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
