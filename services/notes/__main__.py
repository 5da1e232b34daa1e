"""``python -m services.notes``"""

from services.notes.app import main

main()
