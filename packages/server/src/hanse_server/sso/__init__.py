"""Logging in through OpenID Connect providers: a person is issuer and subject, and groups there give roles here."""
