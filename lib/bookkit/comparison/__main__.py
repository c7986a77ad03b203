from bookkit.comparison.program import main

main()
