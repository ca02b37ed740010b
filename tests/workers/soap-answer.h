// SPDX-License-Identifier: GPL-3.0-or-later
// The envelope that answers of SOAP 1.1 come in.
#pragma once

#include <string>

namespace smsd::test {

inline std::string enveloped(const std::string& content) {
  return "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\" "
         "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><e:Body>" +
         content + "</e:Body></e:Envelope>";
}

}  // namespace smsd::test
