// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/dispatcher-check/launch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "clients/dispatcher-check/findings.h"

namespace smsd::check {
namespace {

constexpr int channelNumber = 3, configNumber = 4;  // as smsd gives them
constexpr int listenNumber = 3;                     // SD_LISTEN_FDS_START
constexpr std::uintmax_t largestCredential = 1 << 20;
std::vector<int> captured;  // the signals that end this process

void removeFolder(const std::filesystem::path& folder) {
  std::error_code ignored;
  if (!folder.empty()) std::filesystem::remove_all(folder, ignored);
}

[[noreturn]] void fail(const char* what) {
  throw Hopeless(EX_OSERR, fmt::format("{}: {}", what, std::strerror(errno)));
}

std::string shownConfig(const RunSettings& settings) {
  return settings.config.empty() ? fmt::format("(no file: {})", settings.name) : settings.config.string();
}

kj::AutoCloseFd inMemory(const std::string& content) {
  kj::AutoCloseFd fd(memfd_create("config", MFD_CLOEXEC));
  if (fd.get() < 0 ||
      write(fd.get(), content.data(), content.size()) != static_cast<ssize_t>(content.size()) ||
      lseek(fd.get(), 0, SEEK_SET) != 0)
    fail("cannot keep the configuration in memory");
  return fd;
}

/// Writes a folder as LoadCredential= makes it: the file as `config`, and the files beside it that it names.
void writeCredentials(const std::filesystem::path& folder, const RunSettings& settings,
                      const std::string& content) {
  std::ofstream(folder / "config", std::ios::binary) << content;
  if (settings.config.empty()) return;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(settings.config.parent_path(), ignored)) {
    const std::string name = entry.path().filename();
    if (name == "config" || content.find(name) == std::string::npos || !entry.is_regular_file(ignored))
      continue;
    if (entry.file_size(ignored) <= largestCredential)
      std::filesystem::copy_file(entry.path(), folder / name, ignored);
  }
}

sockaddr_un addressOf(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.native().size() >= sizeof address.sun_path)
    throw Hopeless(EX_OSERR, "TMPDIR has a name that is too long");
  std::strcpy(address.sun_path, path.c_str());
  return address;
}

kj::AutoCloseFd unixSocket() {
  kj::AutoCloseFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) fail("cannot make a socket");
  return fd;
}

}  // namespace

Launch::Launch(kj::AsyncIoContext& io, const RunSettings& settings, Activation activation,
               const std::string& content)
    : io_(io), activation_(activation) {
  for (int number : captured) interruptions_.push_back(interrupted(number).eagerlyEvaluate(nullptr));
  if (activation == Activation::spawn)
    spawn(settings, content);
  else
    listen(settings, content);
}

Launch::~Launch() noexcept(false) {
  child_ = nullptr;
  removeFolder(folder_);
}

void Launch::captureSignals() {
  for (int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction now {};
    if (sigaction(number, nullptr, &now) != 0 || now.sa_handler == SIG_IGN) continue;  // nohup
    kj::UnixEventPort::captureSignal(number);
    captured.push_back(number);
  }
}

/// The folder has copies of secrets, which may not stay behind.
kj::Promise<void> Launch::interrupted(int number) {
  return io_.unixEventPort.onSignal(number).then([this, number](siginfo_t) {
    child_ = nullptr;
    removeFolder(folder_);
    ::signal(number, SIG_DFL);
    sigset_t open;
    sigemptyset(&open);
    sigaddset(&open, number);
    ::raise(number);
    ::sigprocmask(SIG_UNBLOCK, &open, nullptr);
  });
}

void Launch::spawn(const RunSettings& settings, const std::string& content) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) fail("cannot make a socket pair");
  channel_ = kj::AutoCloseFd(pair[0]);
  kj::AutoCloseFd theirs(pair[1]);
  auto config = inMemory(content);
  Start start{.program = settings.program,
              .arguments = settings.arguments,
              .descriptors = {{theirs.get(), channelNumber}, {config.get(), configNumber}},
              .environment = {},
              .folder = settings.config.parent_path()};
  for (const auto& word : {std::string("--name"), settings.name, std::string("--config-name"),
                           shownConfig(settings), std::string("--config-fd"), std::to_string(configNumber),
                           std::string("--channel-fd"), std::to_string(channelNumber)})
    start.arguments.push_back(word);
  child_ = kj::heap<Child>(io_, start);
}

void Launch::listen(const RunSettings& settings, const std::string& content) {
  std::string name = (std::filesystem::temp_directory_path() / "smsd-check-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) fail("cannot make a folder for temporary files");
  folder_ = name;
  const auto credentials = folder_ / "credentials";
  std::filesystem::create_directory(credentials);
  std::filesystem::permissions(credentials, std::filesystem::perms::owner_all);
  writeCredentials(credentials, settings, content);
  listener_ = unixSocket();
  const auto address = addressOf(folder_ / "socket");
  if (bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_.get(), SOMAXCONN) != 0)
    fail("cannot listen at a socket");
  dial();  // before the start, because systemd starts a program when a client has connected
  Start start{.program = settings.program,
              .arguments = settings.arguments,
              .descriptors = {{listener_.get(), listenNumber}},
              .environment = {{"LISTEN_FDS", "1"},
                              {"LISTEN_FDNAMES", settings.name},
                              {"CREDENTIALS_DIRECTORY", credentials.string()}},
              .folder = settings.config.parent_path(),
              .listens = Start::Listens::yes};
  for (const auto& word :
       {std::string("--name"), settings.name, std::string("--config-name"), shownConfig(settings)})
    start.arguments.push_back(word);
  child_ = kj::heap<Child>(io_, start);
}

void Launch::dial() {
  channel_ = unixSocket();
  const auto address = addressOf(folder_ / "socket");
  if (::connect(channel_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    fail("cannot connect to the socket of the program");
}

Launch::Line Launch::connect() {
  if (activation_ == Activation::socket && channel_.get() < 0) dial();
  kj::AutoCloseFd raw(fcntl(channel_.get(), F_DUPFD_CLOEXEC, 3));
  // Not only this process has the socket: the program's end stays as it is.
  return {io_.lowLevelProvider->wrapSocketFd(kj::mv(channel_), kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC),
          kj::mv(raw)};
}

}  // namespace smsd::check
