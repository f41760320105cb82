"""Reference adapters, one module per SDK. An SDK is imported when an adapter is built."""
