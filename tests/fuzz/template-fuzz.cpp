// SPDX-License-Identifier: GPL-3.0-or-later
// Any template with any values in it: no text, number or key may break out of where it stands (libFuzzer).
//
// The first byte is the place. Then come the template, the recipient, the text and the key, separated by
// 0x1E. A template that is refused is left alone; what one that is taken makes is parsed back.
#include <cstdint>

#include "common/text/utf.h"
#include "tests/fuzz/demand.h"
#include "tests/workers/template-properties.h"
#include "workers/soap/envelope.h"

namespace {

using namespace smsd;

/// A value of a call is a template in itself.
std::string brokenCall(const std::string& value, const net::Values& values) {
  return test::brokenBody(
      net::BodyType::xml,
      soap::envelopeOf("send", "urn:x", {{.name = "v", .type = "string", .value = value}}), values);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  auto parts = fuzz::split({reinterpret_cast<const char*>(data) + 1, size - 1});
  parts.resize(4);
  // What the supervisor hands to a worker is valid.
  std::string good[4];
  for (std::size_t i = 0; i < 4; ++i) good[i] = text::repair(parts[i]);
  const net::Values values{good[1], good[2], good[3], "7bit"};
  const net::Values raw{parts[1], parts[2], parts[3], "7bit"};
  switch (data[0] % 6) {
    case 0:
      fuzz::demand(test::brokenUrl(parts[0], raw));
      break;
    case 1:
      fuzz::demand(test::brokenBody(net::BodyType::form, parts[0], raw));
      break;
    case 2:
      fuzz::demand(test::brokenBody(net::BodyType::json, good[0], values));
      break;
    case 3:
      fuzz::demand(test::brokenBody(net::BodyType::xml, good[0], values));
      break;
    case 4:
      fuzz::demand(test::brokenHeader(parts[0], raw));
      break;
    default:
      fuzz::demand(brokenCall(good[0], values));
  }
  return 0;
}
