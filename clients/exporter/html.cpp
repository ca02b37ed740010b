// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/exporter/html.h"

#include "common/text/utf.h"

namespace smsd::exporter {

Html& Html::text(std::string_view untrusted, std::size_t longest) {
  for (const char c : text::printable(untrusted, longest)) switch (c) {
      case '&':
        document_ += "&amp;";
        break;
      case '<':
        document_ += "&lt;";
        break;
      case '>':
        document_ += "&gt;";
        break;
      case '"':
        document_ += "&quot;";
        break;
      case '\'':
        document_ += "&#39;";
        break;
      default:
        document_ += c;
    }
  return *this;
}

}  // namespace smsd::exporter
