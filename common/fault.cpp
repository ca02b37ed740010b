// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/fault.h"

#include <cxxabi.h>
#include <fmt/format.h>
#include <kj/string.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <new>
#include <system_error>
#include <typeinfo>

namespace smsd {
namespace {

/// Takes the place of the file of an exception. An exception from a peer never has it, because the RPC system
/// sets no file.
constexpr const char* byExplained = "explained";

/// Returns a type's name. It never contains text from outside.
std::string nameOf(const std::type_info& type) {
  int status = 0;
  std::unique_ptr<char, decltype(&std::free)> name(
      abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), &std::free);
  return status == 0 ? name.get() : type.name();
}

}  // namespace

kj::Exception explained(const std::string& words) {
  return kj::Exception(kj::Exception::Type::FAILED, byExplained, 0, kj::str(words.c_str()));
}

std::string faultOf(const kj::Exception& fault) {
  switch (fault.getType()) {
    case kj::Exception::Type::DISCONNECTED:
      return "the connection ended";
    case kj::Exception::Type::OVERLOADED:
      return "there was no answer in time";
    case kj::Exception::Type::UNIMPLEMENTED:
      return "the other side does not support this call, it may be of another version";
    case kj::Exception::Type::FAILED:
      break;
  }
  if (std::strcmp(fault.getFile(), byExplained) == 0) return fault.getDescription().cStr();
  // An exception that a peer sent has no line.
  if (fault.getLine() <= 0) return "the other side had an internal error";
  return fmt::format("an internal error ({}:{})", std::filesystem::path(fault.getFile()).filename().string(),
                     fault.getLine());
}

std::string faultOf(const std::exception& fault) {
  if (auto* explained = dynamic_cast<const Explained*>(&fault)) return explained->what();
  if (auto* file = dynamic_cast<const std::filesystem::filesystem_error*>(&fault))
    return fmt::format("{}: {}", file->path1().string(), file->code().message());
  if (auto* system = dynamic_cast<const std::system_error*>(&fault)) return system->what();
  if (dynamic_cast<const std::bad_alloc*>(&fault) != nullptr) return "there is no memory left";
  return fmt::format("an internal error ({})", nameOf(typeid(fault)));
}

}  // namespace smsd
