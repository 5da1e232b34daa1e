"""``python -m services.consent``"""

from services.consent.app import main

main()
