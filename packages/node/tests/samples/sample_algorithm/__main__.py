from sample_algorithm import main

main()
