// SPDX-License-Identifier: GPL-3.0-or-later
// The far ends that the workers are tested against: real servers on loopback, on ports the system chooses,
// ended with the object.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace smsd::test {

class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::filesystem::path path;
};

/// A program that runs until this object is gone.
class Program {
 public:
  Program(const std::vector<std::string>& command, const std::vector<std::string>& environment,
          int inherited);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  std::string firstLine();

 private:
  pid_t pid_ = 0;
  int output_ = -1;
};

/// tests/peers/http-gateway.py
class Gateway {
 public:
  explicit Gateway(std::vector<std::string> behaviours = {}, const std::filesystem::path& certificate = {});
  /// Each request so far, as http-gateway.py describes it.
  std::vector<nlohmann::json> requests() const;
  std::size_t connections() const;
  std::uint16_t port() const { return port_; }

 private:
  Folder folder_;
  Program program_;
  std::uint16_t port_ = 0;
};

/// nginx, one worker, that answers 200 to everything, with "CLIENT PROTOCOL TLS USER" as its body.
class Nginx {
 public:
  enum class Log { on, off };
  struct Settings {
    int keepalive = 1'000'000;                // requests on one connection; 0: as many as nginx wants
    std::filesystem::path certificate{};      // speak TLS with it, and HTTP/2 with who asks for that
    std::filesystem::path clientAuthority{};  // ask clients for a certificate that this one signed
    std::string tls = "TLSv1.2 TLSv1.3";      // the versions it speaks
    Log log = Log::on;                        // of its requests
    std::string user{};                       // "name:password" to ask for
  };
  explicit Nginx(int keepalive) : Nginx(Settings{.keepalive = keepalive}) {}
  explicit Nginx(const Settings& settings);
  static bool isInstalled();
  /// The number of requests on each connection. Complete once nginx was asked to stop.
  std::vector<std::size_t> requestsOfConnections() { return requestsOf(Column::connection); }
  /// The number of requests with each idempotency key. As above.
  std::vector<std::size_t> requestsOfKeys() { return requestsOf(Column::key); }
  std::uint16_t port() const { return port_; }

 private:
  enum class Column { connection, key };
  std::vector<std::size_t> requestsOf(Column column);
  std::string configuration(const Settings& settings) const;
  Folder folder_;
  std::uint16_t port_ = 0;
  std::unique_ptr<Program> program_;
};

/// tests/peers/http-proxy.py
class HttpProxy {
 public:
  /// `user`: "name:password" to ask for, or empty.
  /// `resetAfter`: bytes of a tunnel's far end after which it is reset; 0: never.
  explicit HttpProxy(const std::string& user = "", int resetAfter = 0);
  /// What it was asked for, a line each: "CONNECT host:port" or "GET http://...".
  std::vector<std::string> asked() const;
  std::uint16_t port() const { return port_; }

 private:
  Folder folder_;
  Program program_;
  std::uint16_t port_ = 0;
};

/// tests/peers/providers.py
class Providers {
 public:
  Providers();
  /// Each SMS that one of them has taken, as providers.py describes it.
  std::vector<nlohmann::json> taken() const;
  std::uint16_t port() const { return port_; }

 private:
  Folder folder_;
  Program program_;
  std::uint16_t port_ = 0;
};

/// tests/peers/soap-server.php in PHP's own web server.
class SoapServer {
 public:
  SoapServer();
  static bool isInstalled();
  /// Each call so far, as soap-server.php describes it.
  std::vector<nlohmann::json> calls() const;
  std::uint16_t port() const { return port_; }

 private:
  Folder folder_;
  Program program_;
  std::uint16_t port_ = 0;
};

/// A throw-away authority and what it signed. Each file holds the certificate and its key.
class Certificates {
 public:
  Certificates();
  std::string authority() const;                                                  // PEM
  std::filesystem::path good() const { return folder_.path / "good.pem"; }        // localhost and 127.0.0.1
  std::filesystem::path expired() const { return folder_.path / "expired.pem"; }  // the same, until 2001
  std::filesystem::path elsewhere() const { return folder_.path / "elsewhere.pem"; }  // another host
  std::filesystem::path client() const { return folder_.path / "client.pem"; }        // for who connects
  std::filesystem::path authorityFile() const { return folder_.path / "ca.crt"; }

 private:
  void sign(const std::string& name, const std::string& subjectAltName, const std::string& validity);
  Folder folder_;
};

}  // namespace smsd::test
