"""What all services share: the contracts they speak and the runtime they stand on."""
