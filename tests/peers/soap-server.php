<?php
// SPDX-License-Identifier: GPL-3.0-or-later
// PHP's SoapServer with the service that NAV's Boost plugin spoke to. Run it as the router of PHP's own web server:
//
//     SOAP_RECORD=FILE php -S 127.0.0.1:0 soap-server.php
//
// Each call is one line of JSON in the record: method and arguments as SOAP delivered them. The password is "hunter2"; the number
// says what is answered: +4700 no (false), +4701 a fault of the server's, +4702 a fault of the client's, +4703 true, +4704 null,
// anything else a number that counts up from 1000.

class ExternalSender
{
    private function note($method, $arguments)
    {
        $line = json_encode(['method' => $method, 'arguments' => $arguments, 'action' => $_SERVER['HTTP_SOAPACTION'] ?? null,
                             'key' => $_SERVER['HTTP_IDEMPOTENCY_KEY'] ?? null, 'type' => $_SERVER['CONTENT_TYPE'] ?? null,
                             'agent' => $_SERVER['HTTP_USER_AGENT'] ?? null]);
        file_put_contents(getenv('SOAP_RECORD'), $line . "\n", FILE_APPEND | LOCK_EX);
        return 999 + count(file(getenv('SOAP_RECORD')));
    }

    private function answer($phone, $id)
    {
        switch ($phone) {
            case '+4700': return false;
            case '+4701': throw new SoapFault('Server', 'the network is away');
            case '+4702': throw new SoapFault('Client', 'no such number ' . $phone);
            case '+4703': return true;
            case '+4704': return null;
        }
        return $id;
    }

    public function sendMessage($username, $password, $sender, $phone, $sms)
    {
        $id = $this->note('sendMessage', func_get_args());
        if ($username !== 'me' || $password !== 'hunter2') {
            throw new SoapFault('Client.Authentication', 'who are you, ' . $username . '/' . $password);
        }
        return $this->answer($phone, $id);
    }

    // A service of another make: named parameters, an integer among them, and a result of several parts.
    public function submit($to, $message, $priority)
    {
        $id = $this->note('submit', func_get_args());
        return ['state' => $to === '+4700' ? 'NOCREDIT' : 'OK', 'ticket' => 'T-' . $id];
    }
}

$server = new SoapServer(null, ['uri' => 'urn:ExternalSender', 'soap_version' => SOAP_1_1]);
$server->setClass('ExternalSender');
$server->handle();
